import * as z from 'zod';

/** Why a key service did not do what it was asked; each has its own cure, so none stands for another. */
export const keyProblemKinds = [
  'keyDisabled',
  'pendingDeletion',
  'keyMissing',
  'wrongKeyType',
  'accessDenied',
  'badLogin',
  'noCredentials',
  'tokenExpired',
  'throttled',
  'unreachable',
  'timeout',
  'certificate',
  'sealed',
  'standby',
  'versionTooOld',
  'versionTrimmed',
  'notOurs',
  'badAnswer',
  'failed',
] as const;
export type KeyProblemKind = (typeof keyProblemKinds)[number];

/** Nothing in it comes from a secret; what a service said is cut and free of control characters. */
export interface KeyProblem {
  readonly kind: KeyProblemKind;
  /** The cause as a clause: "the key is disabled". */
  readonly reason: string;
  /** One way out. */
  readonly fix: string;
  /** RFC 3339: when the key is deleted, for `pendingDeletion`. */
  readonly until: string | null;
  /** For whoever may do at the service what this program may not. */
  readonly command: string | null;
}

export const keyProblemSchema: z.ZodType<KeyProblem> = z.strictObject({
  kind: z.enum(keyProblemKinds),
  reason: z.string().max(2048),
  fix: z.string().max(2048),
  until: z.string().nullable(),
  command: z.string().max(8192).nullable(),
});

/** What waiting can cure. All else stays until somebody acts at the service or here. */
const passing: ReadonlySet<KeyProblemKind> = new Set(['throttled', 'unreachable', 'timeout', 'sealed', 'standby']);

export function isPassing(kind: KeyProblemKind): boolean {
  return passing.has(kind);
}

/** Thrown inside the key agent; the daemon gets the problem alone. */
export class KeyServiceFailure extends Error {
  override readonly name = 'KeyServiceFailure';
  readonly problem: KeyProblem;

  constructor(
    kind: KeyProblemKind,
    reason: string,
    fix: string,
    more: { readonly until?: string; readonly command?: string; readonly cause?: unknown } = {},
  ) {
    super(reason, more.cause === undefined ? undefined : { cause: more.cause });
    this.problem = { kind, reason, fix, until: more.until ?? null, command: more.command ?? null };
  }
}
