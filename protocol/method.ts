import * as z from 'zod';
import type { AuditRule } from './auditRule.ts';

/**
 * Who may call a method. The server enforces it before the handler runs; the methods themselves, collected in methods/index.ts, are the one table of rights.
 *
 * | right | state of the daemon | refused with |
 * |---|---|---|
 * | `always` | any | never |
 * | `notSetUp` | an empty state directory | `alreadySetUp` |
 * | `whileLocked` | set up, locked or unlocked | `notSetUp` |
 * | `unlocked` | unlocked | `notSetUp`, `locked` |
 * | `stepUp` | unlocked, and this user proved a passphrase in the last 5 minutes | `notSetUp`, `locked`, `stepUpNeeded` (after the refusals by rule) |
 */
export type Right = 'always' | 'notSetUp' | 'whileLocked' | 'unlocked' | 'stepUp';

/** One request of the protocol. Parameters and results are checked on both sides; unknown parameters are an error. */
export interface Method<Params, Result> {
  /** `family.verb`, for example `policy.create`. */
  readonly name: string;
  /** A strict object: `z.strictObject({})` where there is nothing to say. */
  readonly params: z.ZodType<Params>;
  readonly result: z.ZodType<Result>;
  readonly right: Right;
  /** The parameters are then `WorkParams` too: a repeat of the same `requestId` is answered with the first result and starts nothing. */
  readonly startsWork?: boolean;
  /** Of what changes rights or protection: how it is written into the audit log. */
  readonly audit?: AuditRule;
}

/** A method of which only the name and the rights matter: what tables and tests walk over. */
export type AnyMethod = Method<unknown, unknown>;

/** Names a secret that was sent before, as a sealed binary frame of the same session. Each is used once, by the request that names it. */
export interface SecretRef {
  readonly secretId: number;
}

export const secretRef: z.ZodType<SecretRef> = z.strictObject({ secretId: z.int().min(0).max(0xffff_ffff) });

/** Names a stream of bytes that the server sends as binary frames once the client grants credit for it. */
export interface StreamRef {
  readonly streamId: number;
}

export const streamRef: z.ZodType<StreamRef> = z.strictObject({ streamId: z.int().min(0).max(0xffff_ffff) });

/** What requests that start work carry: a UUID made by the client, the same one when it repeats the request after a lost answer. */
export interface WorkParams {
  readonly requestId: string;
}

/** For the shape of such requests: `z.strictObject({ requestId, … })`. */
export const requestId: z.ZodType<string> = z.uuid();

export const pageItems = 1000;

/** A cursor may name a path, and paths can be long. */
const cursorLength = 131_072;

/** One page of a list, in the list's order. `next` goes into `after` for the page behind it; `null` on the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export function pageOf<T>(item: z.ZodType<T>): z.ZodType<Page<T>> {
  return z.strictObject({ items: z.array(item).max(pageItems), next: z.string().max(cursorLength).nullable() });
}

/** For the shape of list requests: `z.strictObject({ after, limit, … })`. */
export interface PageParams {
  readonly after?: string;
  readonly limit?: number;
}

export const pageParams: { readonly after: z.ZodExactOptional<z.ZodString>; readonly limit: z.ZodExactOptional<z.ZodInt> } = {
  after: z.string().max(cursorLength).exactOptional(),
  limit: z.int().min(1).max(pageItems).exactOptional(),
};
