import { HoldfastError } from '../../../protocol/errors.ts';
import type { DaemonEvent } from '../../../protocol/events.ts';
import type { Page } from '../../../protocol/method.ts';
import {
  type Entry,
  type ProtectedPolicy,
  type RestorePoint,
  restorePointFiles,
  restorePointList,
  restorePointPolicies,
  restorePointShow,
} from '../../../protocol/methods/restorePoints.ts';
import type { Caller } from '../../connection/daemonService.ts';
import { listAll } from '../../connection/listAll.ts';
import { moreRow } from '../moreRow.ts';
import { Pages } from '../pages.ts';
import { Row } from '../row.ts';
import type { RowSource, Change } from '../rowTree.ts';
import { dayRow, daysOf, mostWithoutDays } from './day.ts';
import { entryRow } from './entry.ts';
import { policyGroupRow } from './policyGroup.ts';
import { restorePointRow } from './restorePoint.ts';

/** The editor takes longer to draw rows than the daemon to find them, and most folders are opened to go on into one of them. */
const entriesAtFirst = 200;

/** Policies, their restore points by day, and what is in them. Fetches a page where somebody looks, and no more. */
export class RestorePointRows implements RowSource {
  readonly #caller: Caller;
  readonly #isUnlocked: () => boolean;
  readonly #now: () => Date;
  /** Of the policies that were opened. */
  readonly #pages = new Map<string, Pages<RestorePoint>>();
  /** Restore points that are shown below a day. */
  readonly #isBelowDay = new Map<string, boolean>();

  constructor(caller: Caller, isUnlocked: () => boolean, now: () => Date) {
    this.#caller = caller;
    this.#isUnlocked = isUnlocked;
    this.#now = now;
  }

  async roots(): Promise<readonly Row[]> {
    if (!this.#isUnlocked()) {
      this.#pages.clear();
      this.#isBelowDay.clear();
      return [];
    }
    for (const pages of this.#pages.values()) pages.expire();
    const groups = await listAll(this.#caller, restorePointPolicies, {});
    for (const policyId of this.#pages.keys()) {
      if (groups.every((group) => group.policyId !== policyId)) this.#pages.delete(policyId);
    }
    const now = this.#now();
    return groups.map((group) => policyGroupRow(group, { now, isOnly: groups.length === 1, children: () => this.#points(group) }));
  }

  /** A restore point that is shown already changes alone; one that is new or gone changes its policy's row too. */
  async changeOf({ name, subject }: DaemonEvent, isShown: (id: string) => boolean): Promise<Change> {
    const [table, id = ''] = subject.split('/');
    if (name !== 'catalog.changed') return name === 'lookAgain' ? 'everything' : 'nothing';
    if (table === 'policies') return 'everything';
    if (table !== 'restorePoints') return 'nothing';
    if (!isShown(id)) return 'everything';
    try {
      const point = await this.#caller.call(restorePointShow, { restorePoint: id });
      this.#pages.get(point.policyId)?.expire();
      return point.state === 'retired' ? 'everything' : this.#pointRow(point, this.#isBelowDay.get(id) ?? false).facts;
    } catch (error) {
      if (HoldfastError.is(error, 'unknownName')) return 'everything';
      throw error;
    }
  }

  async #points({ policyId, restorePoints }: ProtectedPolicy): Promise<readonly Row[]> {
    const pages = this.#pages.get(policyId) ?? this.#newPages(policyId);
    this.#pages.set(policyId, pages);
    const points = await pages.items();
    const hasDays = restorePoints > mostWithoutDays || points.length > mostWithoutDays;
    const rows = hasDays
      ? daysOf(points).map((day) => dayRow(policyId, day, async () => day.points.map((point) => this.#pointRow(point, true))))
      : points.map((point) => this.#pointRow(point, false));
    return [...rows, ...moreRow(policyId, pages, points.length)];
  }

  #newPages(policyId: string): Pages<RestorePoint> {
    return new Pages((page) => this.#caller.call(restorePointList, { policy: policyId, includeRetired: false, ...page }));
  }

  #pointRow(point: RestorePoint, isBelowDay: boolean): Row {
    this.#isBelowDay.set(point.id, isBelowDay);
    return restorePointRow(point, { isBelowDay, children: this.#folder(point.id, '', point.id) });
  }

  /** What is in a folder, fetched page by page and kept: nothing in a restore point ever changes. */
  #folder(restorePointId: string, path: string, rowId: string): () => Promise<readonly Row[]> {
    const pages = new Pages<Entry>(
      async (page): Promise<Page<Entry>> =>
        await this.#caller.call(restorePointFiles, {
          restorePoint: restorePointId,
          recursive: false,
          ...(path === '' ? {} : { path }),
          ...page,
        }),
      entriesAtFirst,
    );
    return async () => {
      const entries = await pages.items();
      const rows = entries.map((entry) => this.#entryRow(restorePointId, entry));
      return [...rows, ...moreRow(rowId, pages, entries.length)];
    };
  }

  #entryRow(restorePointId: string, entry: Entry): Row {
    // Made only for a folder that somebody opens: most never are.
    let folder: (() => Promise<readonly Row[]>) | undefined;
    const row: Row = entryRow(restorePointId, entry, () => {
      folder ??= this.#folder(restorePointId, entry.path, row.facts.id);
      return folder();
    });
    return row;
  }
}
