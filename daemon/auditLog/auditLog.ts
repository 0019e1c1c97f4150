import { type ErrorCode, HoldfastError } from '../../protocol/errors.ts';
import type { AnyMethod, Page, PageParams } from '../../protocol/method.ts';
import { type AuditEntry, auditEntry, type AuditVerification } from '../../protocol/methods/auditLog.ts';
import type { AuditRow, AuditStore } from '../catalog/auditStore.ts';
import { type CallFacts, type FindId, factsOfCall, madeSubjects } from './auditDraft.ts';
import { chainHash } from './chain.ts';
import { RefusalLimit } from './refusalLimit.ts';
import { verifyAuditLog } from './verifyAuditLog.ts';

export interface AuditLogOptions {
  readonly store: AuditStore;
  /** Whom the daemon runs as. */
  readonly user: string;
  readonly wallClock: () => Date;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  readonly findId: FindId;
  /** An entry that could not be written, of what is done all the same or was done already. */
  readonly onUnwritten: (verb: string, error: unknown) => void;
}

/** A call of an audited method. */
export interface AuditedCall {
  readonly method: AnyMethod;
  /** `undefined` where they do not fit the method's schema, or were not looked at. */
  readonly params: unknown;
  readonly client: AuditEntry['client'];
}

/** An act that has begun: told once how it ended. Neither throws: the act is done. */
export interface BegunAct {
  done(result: unknown): void;
  failed(error: unknown): void;
}

/** What the daemon did by itself. */
export type OwnAct = Pick<AuditEntry, 'verb' | 'outcome'> & Partial<Pick<AuditEntry, 'subjects' | 'code'>>;

/** An entry, and the hash of its row. */
export interface HashedEntry {
  readonly entry: AuditEntry;
  readonly hash: Uint8Array;
}

type Draft = Omit<AuditEntry, 'sequence' | 'at' | 'user' | 'unrecorded'>;

/** Questions, and what nothing is there for yet. */
const unremarkable: ReadonlySet<ErrorCode> = new Set(['confirmationNeeded', 'notSetUp']);

/**
 * What changed rights or protection, and what tried to, in a chain of hashes: docs/format.md, The audit log. The entry that an act begins is on the disk
 * before it does; a second one says how it ended.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #limit: RefusalLimit;
  #unrecorded = 0;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#limit = new RefusalLimit(options.now);
  }

  /** A call that was refused before anything of it began. Throws nothing. */
  refused({ method, params, client }: AuditedCall, error: unknown): void {
    const code = codeOf(error);
    if (unremarkable.has(code)) return;
    if (this.#limit.take()) this.#note({ ...this.#factsOf(method, params), client, outcome: 'refused', code, ends: null });
    else this.#unrecorded += 1;
  }

  /** Throws where it cannot be written, and the act must not take place: `diskFailed`, `catalogDamaged`. */
  begin({ method, params, client }: AuditedCall): BegunAct {
    const facts = this.#factsOf(method, params);
    const draft: Draft = { ...facts, client, outcome: 'begun', code: null, ends: null };
    const begun = method.audit?.evenUnlogged === true ? this.#note(draft) : this.#append(draft);
    const end = (rest: Pick<Draft, 'outcome' | 'code' | 'subjects'>): void => {
      this.#note({ verb: facts.verb, client, facts: {}, given: [], ends: begun?.sequence ?? null, ...rest });
    };
    return {
      done: (result) => {
        const { subjects, isWhole } = madeSubjects(method.audit ?? {}, result);
        const isGoingOn = method.audit?.action !== undefined && subjects.some(({ kind }) => kind === 'action');
        end({ outcome: isGoingOn ? 'started' : isWhole ? 'done' : 'failed', code: null, subjects });
      },
      failed: (error) => {
        const code = codeOf(error);
        end({ outcome: code === 'cancelled' ? 'cancelled' : 'failed', code, subjects: [] });
      },
    };
  }

  /** Throws as `begin` does. */
  record(act: OwnAct): void {
    this.#append(ownDraft(act));
  }

  /** As `record`, of what is done already. Throws nothing. */
  note(act: OwnAct): void {
    this.#note(ownDraft(act));
  }

  /** For the start of the daemon: of what was begun and not ended nobody knows what became. Throws nothing. */
  endUnended(): void {
    try {
      for (const row of this.#options.store.unended()) {
        const { verb } = entryOf(row);
        this.#note({ ...ownDraft({ verb, outcome: 'unknown' }), ends: row.sequence });
      }
    } catch (error) {
      this.#options.onUnwritten('', error);
    }
  }

  /** Newest first. Throws `catalogDamaged`. */
  list(page: PageParams): Page<HashedEntry> {
    const { items, next } = this.#options.store.list(page);
    return { items: items.map((row) => ({ entry: entryOf(row), hash: row.hash })), next };
  }

  /** As `verifyAuditLog`. */
  async verify(head: string | undefined, signal: AbortSignal): Promise<AuditVerification> {
    return await verifyAuditLog(this.#options.store, head, signal);
  }

  #factsOf(method: AnyMethod, params: unknown): CallFacts {
    return factsOfCall(method, params, (kind, reference) => this.#options.findId(kind, reference));
  }

  #append(draft: Draft): AuditRow {
    const { store, user, wallClock } = this.#options;
    const row = store.append((head) => {
      const sequence = (head?.sequence ?? 0) + 1;
      const entry = entryText({ ...draft, sequence, at: wallClock().toISOString(), user, unrecorded: this.#unrecorded });
      return { sequence, outcome: draft.outcome, ends: draft.ends, entry, hash: chainHash(head, entry) };
    });
    this.#unrecorded = 0;
    return row;
  }

  #note(draft: Draft): AuditRow | undefined {
    try {
      return this.#append(draft);
    } catch (error) {
      this.#unrecorded += 1;
      this.#options.onUnwritten(draft.verb, error);
      return undefined;
    }
  }
}

function ownDraft({ verb, outcome, subjects = [], code = null }: OwnAct): Draft {
  return { verb, outcome, subjects, code, client: null, ends: null, facts: {}, given: [] };
}

/** All members, in an order that stays. */
function entryText({ sequence, at, user, client, verb, outcome, code, ends, subjects, facts, given, unrecorded }: AuditEntry): string {
  return JSON.stringify(
    { sequence, at, user, client, verb, outcome, code, ends, subjects, facts, given, unrecorded },
    (_, value: unknown) =>
      // What SQLite would keep as other bytes than those that were hashed.
      typeof value === 'string' ? value.toWellFormed() : value,
  );
}

function entryOf({ entry }: AuditRow): AuditEntry {
  try {
    return auditEntry.parse(JSON.parse(entry));
  } catch (cause) {
    throw HoldfastError.failedTo('catalogDamaged', 'read the audit log', 'a row holds no entry', {
      fix: 'Run "holdfast audit verify": it names the row.',
      cause,
    });
  }
}

function codeOf(error: unknown): ErrorCode {
  return HoldfastError.is(error) ? error.code : 'failed';
}
