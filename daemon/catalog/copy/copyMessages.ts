import { HoldfastError, isErrorCode } from '../../../protocol/errors.ts';
import type { AuditHead } from '../auditStore.ts';
import type { CopyKind } from './copySchema.ts';
import type { FrameFacts } from './copyFrame.ts';
import type { PackBatch } from './packBatch.ts';
import type { RebuildFacts } from './rebuildCatalog.ts';

export interface MakeJob {
  readonly what: 'make';
  readonly catalogPath: string;
  /** A full copy of before; a delta upon it is made where that is possible. */
  readonly basePath: string | null;
  /** Where the full copy goes, where it is one that the bundle carries. */
  readonly copyPath: string;
  /** Where the frame goes that the bundle carries. */
  readonly framePath: string;
  /** A folder of this job alone, on the disk of the others. */
  readonly scratch: string;
}

export interface RebuildJob {
  readonly what: 'rebuild';
  readonly copyPath: string;
  /** Upon the copy, or null. */
  readonly deltaPath: string | null;
  readonly catalogPath: string;
  /** RFC 3339. */
  readonly recordedAt: string;
  readonly scratch: string;
}

/** What the worker thread is started with. */
export interface CopyThreadData {
  readonly role: 'catalogCopy';
  readonly job: MakeJob | RebuildJob;
}

export interface MadeCopy {
  /** Full as well where a delta was asked for and the base is not there, cannot be read, or is of another schema version. */
  readonly kind: CopyKind;
  /** Which copy it is, and of a delta which one it builds on: 16 bytes in hex. */
  readonly copyId: string;
  readonly baseId: string | null;
  readonly schemaVersion: number;
  readonly leftOutPacks: number;
  /** Live ones in the copy. */
  readonly restorePoints: number;
  /** Of the audit log in the copy; null where it has no row. */
  readonly audit: AuditHead | null;
  readonly frame: FrameFacts;
}

/** To a rebuild: what indexes name, answered by `more` each time; `null` behind the last. */
export type ToCopyThread = { readonly packs: PackBatch | null };

export type FromCopyThread =
  | { readonly kind: 'more'; readonly expectedPacks: number }
  | { readonly kind: 'made'; readonly made: MadeCopy }
  | { readonly kind: 'rebuilt'; readonly facts: RebuildFacts }
  | { readonly kind: 'failed'; readonly error: SentError };

/** An error as it crosses threads, which know no classes. */
export interface SentError {
  readonly code: string;
  readonly message: string;
  readonly reason: string;
  readonly fix: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
}

export function sentError(error: unknown): SentError {
  const known = HoldfastError.is(error) ? error : HoldfastError.unforeseen('copy the catalog', error);
  const { code, message, reason, fix, details } = known;
  return { code, message, reason, fix, details };
}

export function receivedError({ code, message, reason, fix, details }: SentError): HoldfastError {
  return new HoldfastError(isErrorCode(code) ? code : 'failed', message, {
    reason,
    ...(fix === undefined ? {} : { fix }),
    ...(details === undefined ? {} : { details }),
  });
}
