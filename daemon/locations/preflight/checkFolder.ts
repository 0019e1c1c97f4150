import { HoldfastError } from '../../../protocol/errors.ts';
import type { ListedObject, ObjectStore } from '../objectStore.ts';

const folderPrefix = 'holdfast-check-';
const canaryKey = /^holdfast-check-[0-9a-f]{16}\/[a-z0-9-]+$/;
/** Older ones were left by a crash; younger ones may be another validation's. */
const oldMs = 3_600_000;
const cleanupMs = 60_000;

type Options = { readonly signal?: AbortSignal };

/** Where one run of checks puts its small objects: below the location's prefix and beside everything of the format, never locked. */
export class CheckFolder {
  readonly #name: string;
  readonly #put: Map<string, ListedVersion> = new Map();

  /** `nonce`: 16 hex digits. */
  constructor(nonce: string) {
    this.#name = `${folderPrefix}${nonce}`;
  }

  get prefix(): string {
    return `${this.#name}/`;
  }

  key(name: string): string {
    return `${this.prefix}${name}`;
  }

  /** To be deleted whatever listings say. */
  remember(key: string, versionId: string | null): void {
    this.#put.set(`${key}\0${versionId ?? ''}`, { key, versionId });
  }

  /** Deletes every version and marker below this folder; resolves to how many are still there. Goes on where one is refused, and then rejects with that. */
  async clear(store: ObjectStore): Promise<number> {
    // Also what was cancelled leaves nothing behind.
    const options = { signal: AbortSignal.timeout(cleanupMs) };
    let problem: unknown;
    const found = new Map(this.#put);
    try {
      for (const version of await versionsBelow(store, this.prefix, options))
        found.set(`${version.key}\0${version.versionId ?? ''}`, version);
    } catch (error) {
      problem = error;
    }
    for (const { key, versionId } of found.values()) {
      try {
        await store.delete(key, versionId, options);
      } catch (error) {
        problem ??= error;
      }
    }
    if (problem !== undefined) throw problem;
    return (await versionsBelow(store, this.prefix, options)).length;
  }
}

/** Deletes, by version id, what checks left that did not come to their end; resolves to how many versions that were. Locked ones are let be. */
export async function sweepOldChecks(store: ObjectStore, now: Date, options: Options): Promise<number> {
  let swept = 0;
  for (const { key, versionId, lastModified } of await versionsBelow(store, folderPrefix, options)) {
    if (!canaryKey.test(key) || now.getTime() - lastModified.getTime() < oldMs) continue;
    try {
      await store.delete(key, versionId, options);
      swept += 1;
    } catch (error) {
      if (!HoldfastError.is(error, 'lockRefused')) throw error;
    }
  }
  return swept;
}

type ListedVersion = Pick<ListedObject, 'key' | 'versionId'>;

/** Few: a check has a handful, and nobody else puts there. Markers too. */
async function versionsBelow(
  store: ObjectStore,
  prefix: string,
  options: Options,
): Promise<readonly (ListedVersion & Pick<ListedObject, 'lastModified'>)[]> {
  const found = [];
  const pages = store.versions === undefined ? store.list(prefix, options) : store.versions.list(prefix, options);
  for await (const page of pages) for (const { key, versionId, lastModified } of page) found.push({ key, versionId, lastModified });
  return found;
}
