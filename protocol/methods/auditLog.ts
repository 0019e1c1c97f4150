import * as z from 'zod';
import { type AuditSubjectKind, auditSubjectKinds } from '../auditRule.ts';
import type { Method, Page, PageParams } from '../method.ts';
import { pageOf, pageParams } from '../method.ts';
import { count, storedName, time, uuid } from './values.ts';

/**
 * `refused`: nothing had begun. `begun` comes before an act, and one of the others after it: `started` where it goes on as an action of the queue, whose end
 * follows. `failed`: not done, or not all of it. `unknown`: the daemon ended in the middle of it.
 */
export const auditOutcomes = ['refused', 'begun', 'started', 'done', 'failed', 'cancelled', 'unknown'] as const;

export type AuditOutcome = (typeof auditOutcomes)[number];

export interface AuditSubject {
  readonly kind: AuditSubjectKind;
  /** `null` where what was typed names nothing. */
  readonly id: string | null;
}

/** One entry of the audit log as it is stored, but for its members that are a newer version's. */
export interface AuditEntry {
  readonly sequence: number;
  /** By this machine's clock. */
  readonly at: string;
  /** Whom the daemon runs as. */
  readonly user: string;
  /** As it called itself: `cli`, `extension`, or another name. `null`: the daemon by itself. */
  readonly client: { readonly name: string; readonly version: string } | null;
  /** The method's name, also of what the daemon does by itself. */
  readonly verb: string;
  readonly outcome: AuditOutcome;
  /** The error's code where it was refused or has failed. */
  readonly code: string | null;
  /** The sequence of the entry that said that it begins. */
  readonly ends: number | null;
  readonly subjects: readonly AuditSubject[];
  /** Parameters that are no free text, by name. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** The names of the other parameters that were given. */
  readonly given: readonly string[];
  /** Calls since the entry before that are not in the log one by one: refused ones beyond the limit, and what could not be written. */
  readonly unrecorded: number;
}

const entryMembers = {
  sequence: z.int().min(1),
  at: time,
  user: z.string().max(256),
  client: z.strictObject({ name: z.string().max(64), version: z.string().max(64) }).nullable(),
  verb: z.string().max(64),
  outcome: z.enum(auditOutcomes),
  code: z.string().max(64).nullable(),
  ends: z.int().min(1).nullable(),
  facts: z.record(z.string(), z.unknown()),
  given: z.array(z.string().max(64)),
  unrecorded: count,
};

const subject = { kind: z.enum(auditSubjectKinds), id: uuid.nullable() };

/** An entry out of its row. */
export const auditEntry: z.ZodType<AuditEntry> = z.object({ ...entryMembers, subjects: z.array(z.strictObject(subject)) });

/** An entry as it is told: with the names that its subjects have now; `null` where they have none any more. */
export interface ListedAuditEntry extends AuditEntry {
  readonly subjects: readonly (AuditSubject & { readonly name: string | null })[];
  /** Hex: SHA-256 over the hash before it and this entry. */
  readonly hash: string;
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** Newest first; a page has 250 at most. Errors: `catalogDamaged`. */
export const auditList: Method<PageParams, Page<ListedAuditEntry>> = {
  name: 'audit.list',
  params: z.strictObject({ ...pageParams }),
  result: pageOf(z.strictObject({ ...entryMembers, subjects: z.array(z.strictObject({ ...subject, name: storedName.nullable() })), hash })),
  right: 'unlocked',
};

export interface AuditVerifyParams {
  /** Hex: the hash of a row as somebody outside has kept it. */
  readonly head?: string;
}

/** `changed`: it, or a row before it, is not what was hashed. `missing`: rows before it are gone. `unreadable`: it holds no entry. */
export type ChainProblem = 'changed' | 'missing' | 'unreadable';

export interface AuditVerification {
  /** The chain holds from its first row to its last, and has the given head. */
  readonly intact: boolean;
  /** Rows that are there. */
  readonly rows: number;
  /** The newest row, as far as the chain holds: what to keep outside. `null` where there is none. */
  readonly head: { readonly sequence: number; readonly hash: string } | null;
  /** `null` where the rows follow from each other. */
  readonly firstBad: { readonly sequence: number; readonly problem: ChainProblem } | null;
  /** `sequence` is that of the row that has the given hash; `null`: none has. `null` where none was given. */
  readonly given: { readonly hash: string; readonly sequence: number | null } | null;
}

/** Whether the audit log is what was written, as far as it can tell by itself and by the given head. What is wrong with it is an answer and no error. */
export const auditVerify: Method<AuditVerifyParams, AuditVerification> = {
  name: 'audit.verify',
  params: z.strictObject({ head: hash.exactOptional() }),
  result: z.strictObject({
    intact: z.boolean(),
    rows: count,
    head: z.strictObject({ sequence: z.int().min(1), hash }).nullable(),
    firstBad: z.strictObject({ sequence: z.int(), problem: z.enum(['changed', 'missing', 'unreadable']) }).nullable(),
    given: z.strictObject({ hash, sequence: z.int().min(1).nullable() }).nullable(),
  }),
  right: 'unlocked',
};
