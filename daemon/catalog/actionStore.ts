import * as z from 'zod';
import { type ActionId, isUuid } from '../../protocol/ids.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import {
  type ActionKind,
  type ActionState,
  type ActionWithResult,
  actionWithResult,
  type StartedBy,
} from '../../protocol/methods/actions.ts';
import { type ErrorDocument, type Finding, finding } from '../../protocol/methods/values.ts';
import { catalogDamaged } from './catalogErrors.ts';
import type { SealedCells } from './cellSeal.ts';
import { decodeCursor, limitOf, pageFrom } from './paging.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

interface Row {
  readonly actionId: string;
  readonly kind: ActionKind;
  readonly subject: string;
  readonly state: ActionState;
  readonly requestId: string;
  readonly queuedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly progress: string;
  readonly errorCode: string | null;
  readonly error: Uint8Array | null;
  readonly result: Uint8Array | null;
  readonly subjectId: string | null;
  readonly startedBy: StartedBy;
}

interface FindingBlock {
  readonly actionId: string;
  readonly list: string;
  readonly block: number;
  readonly items: Uint8Array;
}

export type FindingList = 'skipped' | 'damaged';

interface Outcome {
  readonly error: ErrorDocument | null;
  readonly result: Readonly<Record<string, unknown>> | null;
}

const table = 'actions';
const findingsTable = 'findings';
/** One sealed cell holds as many findings: paths can be long, and an answer is at most 256 KiB. */
const findingsPerBlock = 200;
/** Outcomes of actions that ended without a seal, kept while the process lives. */
const outcomesKept = 100;

/** The history of actions. Errors and results may name files: they are sealed. */
export class ActionStore {
  readonly #connection: Connection;
  readonly #actions: Table<Row>;
  readonly #findings: Table<FindingBlock>;
  readonly #cells: SealedCells;
  /** An action can end while there is no seal (an import before set-up, a lock in the middle): whoever waits for it still gets the whole outcome. */
  readonly #unsealed: Map<string, Outcome> = new Map();

  constructor(connection: Connection, cells: SealedCells) {
    this.#connection = connection;
    this.#actions = new Table(connection, table);
    this.#findings = new Table(connection, findingsTable);
    this.#cells = cells;
  }

  /** `subjectId` names what it works on for good, whatever that is called later: a backup's policy. */
  insert(action: ActionWithResult, requestId: string, subjectId: string | null = null): void {
    this.#actions.insert(this.#toRow(action, requestId, subjectId));
  }

  /** Writes its state, times, progress and outcome. */
  update(action: ActionWithResult): void {
    const before = this.#actions.get({ actionId: action.actionId });
    if (before !== undefined) this.#actions.replace(this.#toRow(action, before.requestId, before.subjectId));
  }

  get(actionId: string): ActionWithResult | undefined {
    const row = this.#actions.get({ actionId });
    return row === undefined ? undefined : this.#fromRow(row);
  }

  findByRequestId(requestId: string): ActionWithResult | undefined {
    const row = this.#actions.get({ requestId });
    return row === undefined ? undefined : this.#fromRow(row);
  }

  /** Up to `limit` whose ids begin with `prefix`: two of them mean that it is ambiguous. */
  byIdPrefix(prefix: string, limit = 2): readonly ActionWithResult[] {
    if (!/^[0-9a-f-]{1,36}$/.test(prefix)) return [];
    const rows = this.#actions.select('WHERE actionId >= ? AND actionId < ? ORDER BY actionId LIMIT ?', [prefix, `${prefix}~`, limit]);
    return rows.map((row) => this.#fromRow(row));
  }

  /** Newest first. */
  list(page: PageParams = {}): Page<ActionWithResult> {
    const limit = limitOf(page);
    const after = decodeCursor(page.after, ['', '']);
    const where = after === undefined ? '' : 'WHERE (queuedAt, actionId) < (?, ?) ';
    const rows = this.#actions.select(`${where}ORDER BY queuedAt DESC, actionId DESC LIMIT ?`, [...(after ?? []), limit + 1]);
    return pageFrom(
      rows,
      limit,
      (row) => [row.queuedAt, row.actionId],
      (row) => this.#fromRow(row),
    );
  }

  /** The last finished action of a kind and subject, in the order in which they were asked for: clocks may have been set since. */
  lastFinished(kind: ActionKind, subjectId: string): ActionWithResult | undefined {
    const tail = 'WHERE kind = ? AND subjectId = ? AND finishedAt IS NOT NULL ORDER BY rowid DESC LIMIT 1';
    const row = this.#actions.select(tail, [kind, subjectId])[0];
    return row === undefined ? undefined : this.#fromRow(row);
  }

  /** Actions of a kind that have failed or were cancelled, the last 10,000 of them: they may have left something half done. */
  endedShort(kind: ActionKind): readonly string[] {
    const tail = "WHERE state IN ('failed', 'cancelled') AND kind = ? ORDER BY rowid DESC LIMIT 10000";
    return this.#actions.select(tail, [kind]).map(({ actionId }) => actionId);
  }

  /** For the start of the daemon: what was under way when the last one ended has failed. Gives those actions; their pins stay. */
  failInterrupted(at: string): readonly ActionId[] {
    const rows = this.#actions.select("WHERE state IN ('queued', 'running') ORDER BY queuedAt, actionId");
    this.#connection.transaction(() => {
      for (const row of rows) this.#actions.replace({ ...row, state: 'failed', finishedAt: at, errorCode: 'daemonEnded' });
    });
    return rows.map((row) => row.actionId).filter(isActionId);
  }

  /** Appends to the whole list of an action's findings. Throws `locked`. */
  addFindings(actionId: string, list: FindingList, findings: readonly Finding[]): void {
    this.#connection.transaction(() => {
      let block = this.#findings.number('count(*)', 'WHERE actionId = ? AND list = ?', [actionId, list]);
      for (let at = 0; at < findings.length; at += findingsPerBlock) {
        const items = this.#cells.seal(findingsTable, 'items', `${actionId}/${list}/${block}`, findings.slice(at, at + findingsPerBlock));
        this.#findings.insert({ actionId, list, block, items });
        block += 1;
      }
    });
  }

  /** In the order of their adding; a page has as many items as fit one sealed cell. Empty while locked. */
  findings(actionId: string, list: FindingList, page: PageParams = {}): Page<Finding> {
    const [from] = decodeCursor(page.after, [0]) ?? [-1];
    const rows = this.#findings.select('WHERE actionId = ? AND list = ? AND block > ? ORDER BY block LIMIT 2', [
      actionId,
      list,
      from ?? -1,
    ]);
    const { items, next } = pageFrom(
      rows,
      1,
      (row) => [row.block],
      (row) => this.#cells.open(findingsTable, 'items', `${actionId}/${list}/${row.block}`, row.items) ?? [],
    );
    return { items: items.flatMap((cell) => checked(z.array(finding), cell)), next };
  }

  #toRow(action: ActionWithResult, requestId: string, subjectId: string | null): Row {
    const { actionId, error, result, progress } = action;
    if (!this.#cells.isOpen && (error !== null || result !== null)) this.#keep(actionId, { error, result });
    const sealed = (column: string, value: unknown): Uint8Array | null =>
      value === null || !this.#cells.isOpen ? null : this.#cells.seal(table, column, actionId, value);
    return {
      actionId,
      kind: action.kind,
      subject: action.subject,
      state: action.state,
      requestId,
      queuedAt: action.queuedAt,
      startedAt: action.startedAt,
      finishedAt: action.finishedAt,
      progress: JSON.stringify(progress),
      errorCode: error?.code ?? null,
      error: sealed('error', error),
      result: sealed('result', result),
      subjectId,
      startedBy: action.startedBy,
    };
  }

  #keep(actionId: string, outcome: Outcome): void {
    this.#unsealed.set(actionId, outcome);
    const [oldest] = this.#unsealed.keys();
    if (this.#unsealed.size > outcomesKept && oldest !== undefined) this.#unsealed.delete(oldest);
  }

  #fromRow(row: Row): ActionWithResult {
    const { requestId: _, subjectId: __, errorCode, error, result, progress, ...plain } = row;
    const opened = (column: string, cell: Uint8Array | null): unknown =>
      cell === null ? null : (this.#cells.open(table, column, row.actionId, cell) ?? null);
    const kept = this.#unsealed.get(row.actionId);
    return checked(actionWithResult, {
      ...plain,
      progress: JSON.parse(progress),
      error: kept?.error ?? opened('error', error) ?? withheld(errorCode),
      result: kept?.result ?? opened('result', result),
    });
  }
}

/** What stands for an error whose sealed sentence is not there or not readable now. */
function withheld(code: string | null): ErrorDocument | null {
  if (code === null) return null;
  if (code === 'daemonEnded') return { code, message: 'Failed to finish: the daemon ended.', fix: 'Run it again.', details: null };
  return { code, message: 'Failed to finish: the reason is sealed.', fix: 'Run "holdfast unlock" and look again.', details: null };
}

function isActionId(text: string): text is ActionId {
  return isUuid(text);
}

/** Values that this program wrote itself: another shape is no other version's, since migrations would have changed it. */
function checked<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw catalogDamaged('an action is not what was written', parsed.error);
  return parsed.data;
}
