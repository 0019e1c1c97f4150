import * as vscode from 'vscode';
import type { DaemonEvent } from '../../protocol/events.ts';
import type { Alert } from '../../protocol/methods/alerts.ts';
import type { DaemonState } from '../../protocol/methods/session.ts';
import type { AlertWatch } from '../alerts/alertWatch.ts';
import type { ContextKeys } from '../contextKeys.ts';
import { asHoldfastError } from '../connection/asHoldfastError.ts';
import type { DaemonHealth, DaemonService } from '../connection/daemonService.ts';
import { type ViewId, viewIds } from '../viewIds.ts';
import { AlertRows } from './alerts/alertRows.ts';
import { badgeOf } from './alerts/badge.ts';
import type { LateTree } from './lateTree.ts';
import { LocationRows } from './locations/locationRows.ts';
import { PasskeyRows } from './passkeys/passkeyRows.ts';
import { PolicyRows } from './policies/policyRows.ts';
import { RestorePointRows } from './restorePoints/restorePointRows.ts';
import type { Row } from './row.ts';
import { type RowSource, RowTree } from './rowTree.ts';

interface View {
  readonly id: ViewId;
  readonly tree: LateTree;
  readonly view: vscode.TreeView<Row>;
}

interface ShownTree {
  readonly source: RowSource;
  readonly tree: RowTree;
  readonly view: vscode.TreeView<Row>;
  /** Something changed while nobody looked. */
  isStale: boolean;
}

export interface ViewsOptions {
  readonly daemon: DaemonService;
  readonly alerts: AlertWatch;
  readonly contextKeys: ContextKeys;
  readonly log: vscode.LogOutputChannel;
  readonly views: readonly View[];
}

function now(): Date {
  return new Date();
}

/** The five trees: filled, and kept true by the daemon's events. What changes while a tree is hidden is looked at when it is shown again. */
export class Views implements vscode.Disposable {
  readonly #options: ViewsOptions;
  readonly #policies: PolicyRows;
  readonly #trees: ReadonlyMap<ViewId, ShownTree>;
  readonly #subscriptions: readonly vscode.Disposable[];
  #state: DaemonState | undefined;

  constructor(options: ViewsOptions) {
    const { daemon, alerts, views } = options;
    this.#options = options;
    const status = (): DaemonHealth['status'] => daemon.health.status;
    this.#policies = new PolicyRows(daemon.quietly, status, now);
    const sources: Readonly<Record<ViewId, RowSource>> = {
      'holdfast.restorePoints': new RestorePointRows(daemon.quietly, () => status()?.state === 'unlocked', now),
      'holdfast.policies': this.#policies,
      'holdfast.passkeys': new PasskeyRows(daemon.quietly, status, now),
      'holdfast.locations': new LocationRows(daemon.quietly, status),
      'holdfast.alerts': new AlertRows(alerts, now),
    };
    this.#trees = new Map(views.map(({ id, view }) => [id, { source: sources[id], tree: new RowTree(sources[id]), view, isStale: false }]));
    for (const { id, tree } of views) tree.load(this.#shown(id).tree);
    this.#subscriptions = [
      daemon.onDidChange((health) => this.#showHealth(health)),
      daemon.onEvent((event) => this.#hear(event)),
      alerts.onDidChange((shown) => this.#showAlerts(shown)),
      ...views.map(({ id, view }) =>
        view.onDidChangeVisibility(({ visible }) => {
          if (visible && this.#shown(id).isStale) this.#refresh(id);
        }),
      ),
    ];
  }

  refreshAll(): void {
    for (const id of viewIds) this.#refresh(id);
  }

  /** Fetches what stands behind a row that says that there is more. */
  async showMore(rowId: string): Promise<void> {
    for (const [viewId, { tree }] of this.#trees) {
      const row = tree.row(rowId);
      if (row?.facts.more === undefined) continue;
      await vscode.window.withProgress({ location: { viewId } }, async () => await row.facts.more?.());
      tree.refresh(row.parent);
    }
  }

  isVisible(id: ViewId): boolean {
    return this.#shown(id).view.visible;
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    for (const { tree } of this.#trees.values()) tree.dispose();
  }

  #shown(id: ViewId): ShownTree {
    const shown = this.#trees.get(id);
    if (shown === undefined) throw new RangeError(`no tree ${id}`);
    return shown;
  }

  #refresh(id: ViewId): void {
    const shown = this.#shown(id);
    shown.isStale = !shown.view.visible;
    if (shown.view.visible) shown.tree.refresh();
  }

  #showHealth({ status }: DaemonHealth): void {
    if (status?.state !== this.#state) {
      this.#state = status?.state;
      this.refreshAll();
      return;
    }
    const { tree, view } = this.#shown('holdfast.policies');
    if (!view.visible) return;
    const { changed, ended } = this.#policies.progress();
    for (const facts of changed) tree.renew(facts);
    for (const policyId of ended) this.#hear({ name: 'catalog.changed', subject: `policies/${policyId}` });
  }

  #hear(event: DaemonEvent): void {
    if (event.name === 'state.changed' || event.name === 'action.changed' || event.name === 'alert.changed') return;
    for (const shown of this.#trees.values()) {
      if (shown.view.visible) void this.#change(shown, event);
      else shown.isStale = true;
    }
  }

  async #change(shown: ShownTree, event: DaemonEvent): Promise<void> {
    const { source, tree } = shown;
    try {
      const change = await source.changeOf(event, (id) => tree.row(id) !== undefined);
      if (change === 'everything') tree.refresh();
      else if (change !== 'nothing') tree.renew(change);
    } catch (error) {
      // The connection may be gone: then everything is looked at when there is one again.
      this.#options.log.debug(`What changed could not be read: ${asHoldfastError(error).message}`);
      shown.isStale = true;
    }
  }

  #showAlerts(alerts: readonly Alert[]): void {
    const { view } = this.#shown('holdfast.alerts');
    view.badge = badgeOf(alerts);
    this.#options.contextKeys.set('holdfast.hasAlerts', alerts.length > 0);
    this.#refresh('holdfast.alerts');
  }
}
