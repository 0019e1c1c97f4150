import type { PolicyId, SourceId } from '../../protocol/ids.ts';
import type { LiveRestorePoint } from './liveList.ts';

/** The newest object of a kind that was known when something was written. */
export interface Head {
  readonly sequence: number;
  /** SHA-256 of the stored bytes. */
  readonly sha256: Uint8Array;
}

export interface Heads {
  readonly policies: Readonly<Record<PolicyId, Head>>;
  readonly keyring: Head | null;
  readonly term: Head | null;
}

export interface ManifestSource {
  readonly id: SourceId;
  readonly kind: 'folder' | 'command';
  /** The path as text, for display only. */
  readonly label: string;
  readonly nameEncoding: 'bytes' | 'wtf-8';
  readonly separator: '/' | '\\';
  /** Id of the node with the one entry of the source. */
  readonly root: Uint8Array;
}

/** An index that a manifest pins. */
export interface PinnedIndex {
  /** From the installation on, without the location's prefix. */
  readonly key: string;
  readonly versionId: string | null;
  /** Stored bytes. */
  readonly length: number;
  readonly sha256: Uint8Array;
  readonly objectId: Uint8Array;
  readonly salt: Uint8Array;
}

/** A restore point: what docs/format.md, Manifests lists, byte strings as bytes. */
export interface Manifest {
  readonly formatVersion: 1;
  readonly writer: string;
  readonly policyId: PolicyId;
  /** The policy's definition without secrets; no reader needs it, and it is empty where the manifest has none. */
  readonly policy: Readonly<Record<string, unknown>>;
  readonly sequence: number;
  /** SHA-256 of the stored manifest of sequence - 1; `null` only for sequence 1. */
  readonly previous: Uint8Array | null;
  readonly claimed: { readonly started: string | null; readonly finished: string; readonly storeTime: string | null };
  readonly keyGeneration: number;
  readonly sources: readonly ManifestSource[];
  readonly indexes: readonly PinnedIndex[];
  /** The other restore points; above 256 a chunk of kind list holds them. */
  readonly live: readonly LiveRestorePoint[] | { readonly id: Uint8Array; readonly count: number };
  readonly heads: Heads;
  readonly params: {
    readonly chunker: string;
    readonly min: number;
    readonly avg: number;
    readonly max: number;
    readonly codec: string;
    readonly padding: string;
  };
  /** As `policy`: a hint, and empty where there are none. */
  readonly statistics: Readonly<Record<string, unknown>>;
  readonly warnings: readonly string[];
}
