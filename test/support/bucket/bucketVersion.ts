/** The locks that S3 Object Lock knows, in its own words. */
export type RetentionMode = 'GOVERNANCE' | 'COMPLIANCE';

export interface Retention {
  readonly mode: RetentionMode;
  /** Seconds since the epoch. */
  readonly until: number;
}

/** One version or delete marker as the bucket holds it. Lean: a million of them are held at once. */
export interface BucketVersion {
  /** Counts up over the whole bucket; what a version id is made of. */
  readonly sequence: number;
  /** Made while versioning was off or suspended: its id is `null`. */
  readonly isNull: boolean;
  readonly isDeleteMarker: boolean;
  /** Seconds since the epoch; never changes on an honest store, whatever happens to the lock. */
  lastModified: number;
  readonly size: number;
  /** CRC-32 of the bytes, so that equal bytes are known where bodies are dropped. */
  readonly checksum: number;
  /** `undefined` where it is a marker or bodies are dropped. */
  body: Uint8Array | undefined;
  retention: Retention | undefined;
  /** `AES256`, `sse-c`, or the id of a key of the account. */
  readonly encryption: string | undefined;
}

// Odd, so that multiplying by it maps 32 bits onto 32 bits one to one, and its inverse.
const scramble = 0x9e3779b1;
const unscramble = 0x0e8b2f51;

/** Opaque, as S3's are: their order says nothing of what came first. */
export function versionIdOf(version: { readonly sequence: number; readonly isNull: boolean }): string {
  return version.isNull ? 'null' : `v${(Math.imul(version.sequence, scramble) >>> 0).toString(16).padStart(8, '0')}`;
}

/** `undefined` where the text is no id of this bucket. */
export function sequenceOf(versionId: string): number | undefined {
  if (!/^v[0-9a-f]{8}$/.test(versionId)) return undefined;
  return Math.imul(Number.parseInt(versionId.slice(1), 16), unscramble) >>> 0;
}

/** Whether a retention forbids to remove the version now. */
export function isHeld(retention: Retention | undefined, now: number): retention is Retention {
  return retention !== undefined && retention.until > now;
}
