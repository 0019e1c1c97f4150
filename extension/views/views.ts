import type * as vscode from 'vscode';
import type { DaemonEvent } from '../../protocol/events.ts';
import type { ContextKeys, StateKey } from '../contextKeys.ts';
import type { DaemonHealth, DaemonService } from '../connection/daemonService.ts';
import type { ViewId } from '../viewIds.ts';
import type { LateTree } from './lateTree.ts';
import { PasskeyRows } from './passkeys.ts';
import type { Row } from './row.ts';
import { type RowSource, RowTree } from './rowTree.ts';

interface View {
  readonly id: ViewId;
  readonly tree: LateTree;
  readonly view: vscode.TreeView<Row>;
}

/** Which trees show what an event is about. */
function viewsOf({ name, subject }: DaemonEvent): readonly ViewId[] {
  if (name === 'lookAgain' || name === 'state.changed')
    return ['holdfast.restorePoints', 'holdfast.policies', 'holdfast.passkeys', 'holdfast.locations', 'holdfast.alerts'];
  if (name === 'alert.changed') return ['holdfast.alerts'];
  if (name === 'action.changed') return ['holdfast.policies'];
  const [table = ''] = subject.split('/');
  switch (table) {
    case 'passkeys':
      return ['holdfast.passkeys'];
    case 'locations':
      return ['holdfast.locations', 'holdfast.policies'];
    case 'policies':
      return ['holdfast.policies', 'holdfast.restorePoints'];
    case 'restorePoints':
      return ['holdfast.restorePoints', 'holdfast.policies', 'holdfast.locations'];
    default:
      return [];
  }
}

/** The five trees: filled, kept true by the daemon's events, and told apart from "nothing there" by context keys. */
export class Views implements vscode.Disposable {
  readonly #trees: ReadonlyMap<ViewId, RowTree>;
  readonly #contextKeys: ContextKeys;
  readonly #subscriptions: readonly vscode.Disposable[];

  constructor(daemon: DaemonService, contextKeys: ContextKeys, views: readonly View[]) {
    this.#contextKeys = contextKeys;
    const none: RowSource = { roots: async () => [] };
    const sources: Readonly<Record<ViewId, RowSource>> = {
      'holdfast.restorePoints': none,
      'holdfast.policies': none,
      'holdfast.passkeys': new PasskeyRows(daemon),
      'holdfast.locations': none,
      'holdfast.alerts': none,
    };
    this.#trees = new Map(views.map(({ id }) => [id, new RowTree(sources[id])]));
    for (const { id, tree } of views) tree.load(this.#tree(id));
    this.#subscriptions = [
      daemon.onDidChange((health) => this.#show(health)),
      daemon.onEvent((event) => {
        for (const id of viewsOf(event)) this.#tree(id).refresh();
      }),
    ];
  }

  refreshAll(): void {
    for (const tree of this.#trees.values()) tree.refresh();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    for (const tree of this.#trees.values()) tree.dispose();
  }

  #tree(id: ViewId): RowTree {
    const tree = this.#trees.get(id);
    if (tree === undefined) throw new RangeError(`no tree ${id}`);
    return tree;
  }

  #show(health: DaemonHealth): void {
    const state = stateKey(health);
    if (state === 'unknown') return;
    this.#contextKeys.set('holdfast.state', state);
    this.#contextKeys.set('holdfast.loaded', true);
    if (health.status === undefined) this.refreshAll();
  }
}

/** `unknown` while nobody can tell: what was shown before stays. */
export function stateKey({ phase, status }: DaemonHealth): StateKey {
  if (status !== undefined) return status.state;
  return phase === 'away' || phase === 'refused' ? 'notRunning' : 'unknown';
}
