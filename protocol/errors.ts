import { systemCode } from './systemCode.ts';

/**
 * Every way in which a call can fail, and the exit status that the command line gives it.
 * 1 failed (may work later) · 2 the call is wrong · 3 locked, not set up or the secret is wrong · 4 refused by a safety rule ·
 * 5 stored data is damaged · 6 done with warnings · 130 cancelled.
 */
export const exitStatusOf = {
  failed: 1,
  daemonEnded: 1,
  daemonNotRunning: 1,
  daemonAlreadyRunning: 1,
  protocolViolation: 1,
  versionMismatch: 1,
  storeUnreachable: 1,
  storeFull: 1,
  storeReadOnly: 1,
  storeRefused: 1,
  storeFailed: 1,
  /** A key service that may answer later: not reachable, throttling, sealed. */
  keyServiceUnavailable: 1,
  /** A key service that did not do it, and will not until somebody acts. */
  keyServiceRefused: 1,
  diskFailed: 1,
  sourceMissing: 1,
  commandFailed: 1,
  hookFailed: 1,
  catalogNewer: 1,
  unsupportedRuntime: 1,
  usage: 2,
  badValue: 2,
  unknownName: 2,
  ambiguousName: 2,
  nameTaken: 2,
  confirmationNeeded: 2,
  notInThisVersion: 2,
  alreadySetUp: 2,
  locked: 3,
  notSetUp: 3,
  wrongSecret: 3,
  stepUpNeeded: 3,
  refusedByRule: 4,
  lockRefused: 4,
  targetNotEmpty: 4,
  stillInUse: 4,
  objectExists: 4,
  damaged: 5,
  tampered: 5,
  unsupportedFormat: 5,
  objectMissing: 5,
  catalogDamaged: 5,
  completedWithWarnings: 6,
  cancelled: 130,
} as const;

export type ErrorCode = keyof typeof exitStatusOf;

/** A newer version may know codes that this one does not. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(exitStatusOf, code);
}

/** The codes that say that something stored is not what it should be, or not there: what does not depend on it goes on. */
export const damageCodes: readonly ErrorCode[] = ['damaged', 'tampered', 'objectMissing', 'unsupportedFormat'];

export interface HoldfastErrorOptions {
  /** One way out, as a sentence for the user. */
  readonly fix?: string;
  /** Facts for programs; never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** See `HoldfastError.reason`. */
  readonly reason?: string;
}

/** The one error class of the project. `message` is one sentence for the user: `Failed to <verb> <target>: <cause>`. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly fix: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** The cause alone, as a clause, for reports that name the target beside it; the whole message where the error was not made of action and reason. */
  readonly reason: string;

  constructor(code: ErrorCode, message: string, options: HoldfastErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fix = options.fix;
    this.details = options.details;
    this.reason = options.reason ?? message;
  }

  /** `action` reads "read pack 3f…", `reason` "its tag is wrong". */
  static failedTo(code: ErrorCode, action: string, reason: string, options: Omit<HoldfastErrorOptions, 'reason'> = {}): HoldfastError {
    return new HoldfastError(code, `Failed to ${action}: ${reason}.`, { ...options, reason });
  }

  /** For what nobody foresaw: its text is for the log alone, since it may hold anything. What the system said by a code is told. */
  static unforeseen(action: string, cause: unknown): HoldfastError {
    const code = systemCode(cause);
    const reason = code === undefined ? 'something went wrong that was not foreseen' : `the system says ${code}`;
    return HoldfastError.failedTo('failed', action, reason, { fix: 'Read the log with "holdfast log"; it says where.', cause });
  }

  get exitStatus(): number {
    return exitStatusOf[this.code];
  }

  static is(error: unknown, ...codes: readonly ErrorCode[]): error is HoldfastError {
    return error instanceof HoldfastError && (codes.length === 0 || codes.includes(error.code));
  }
}
