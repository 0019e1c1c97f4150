import type { LockUntil } from './objectStore.ts';

/**
 * Acts against a lock, for the lock proof alone and only ever on its own canary: nothing else in the daemon may hold this. Each resolves where the store let it
 * happen and rejects with `lockRefused` where it refused by the lock or by a permission, otherwise as `ObjectStore` does.
 */
export interface LockAttempts {
  /** Deletes one version for good. */
  deleteVersion(key: string, versionId: string, options?: AttemptOptions): Promise<void>;
  /** The same, asking for governance to be bypassed. */
  deleteVersionWithBypass(key: string, versionId: string, options?: AttemptOptions): Promise<void>;
  /** Sets a retention of any date and mode: shorter, weaker, with bypass where said. */
  setLock(key: string, versionId: string, lock: LockUntil, options?: AttemptOptions & { readonly bypass?: boolean }): Promise<void>;
  /** Puts other bytes under the key, without asking that it be absent. Resolves to the new version's id. */
  overwrite(key: string, body: Uint8Array, options?: AttemptOptions): Promise<string | null>;
  /** Deletes the key without a version: a delete marker, whose id it resolves to. */
  putDeleteMarker(key: string, options?: AttemptOptions): Promise<string | null>;
}

export interface AttemptOptions {
  readonly signal?: AbortSignal;
}
