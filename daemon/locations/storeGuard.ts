import { join } from 'node:path';
import type { StoreId } from '../../protocol/ids.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import { type FileFacts, type FileSystem } from './fileAccess.ts';
import { markerName, notThere, otherStore, readMarker } from './marker.ts';
import { storeError } from './storeErrors.ts';

/**
 * Answers whether the folder is still the store that was opened. The marker is read again only when it is another file, so that a check costs one
 * call to the system. Rejects with `storeUnreachable`.
 */
export class StoreGuard {
  readonly storeId: StoreId;
  readonly #root: string;
  readonly #fileSystem: FileSystem;
  #seen: FileFacts;

  private constructor(root: string, fileSystem: FileSystem, storeId: StoreId, seen: FileFacts) {
    this.#root = root;
    this.#fileSystem = fileSystem;
    this.storeId = storeId;
    this.#seen = seen;
  }

  /** `expected` is the store that the caller knows at this place; any store is taken where it is `undefined`. */
  static async open(root: string, fileSystem: FileSystem, expected: StoreId | undefined): Promise<StoreGuard> {
    const seen = await markerFacts(root, fileSystem);
    const marker = seen === undefined ? undefined : await readMarker(root, fileSystem);
    if (seen === undefined || marker === undefined) throw notThere(root);
    if (expected !== undefined && marker.storeId !== expected) throw otherStore(root, expected, marker.storeId);
    return new StoreGuard(root, fileSystem, marker.storeId, seen);
  }

  async check(): Promise<void> {
    const facts = await markerFacts(this.#root, this.#fileSystem);
    if (facts === undefined) throw notThere(this.#root);
    if (isSame(facts, this.#seen)) return;
    const marker = await readMarker(this.#root, this.#fileSystem);
    if (marker === undefined) throw notThere(this.#root);
    if (marker.storeId !== this.storeId) throw otherStore(this.#root, this.storeId, marker.storeId);
    this.#seen = facts;
  }
}

/** An inode's number is given again soon after its file is gone, so it alone says nothing. */
function isSame(one: FileFacts, other: FileFacts): boolean {
  return (
    one.inode === other.inode &&
    one.device === other.device &&
    one.kind === other.kind &&
    one.size === other.size &&
    one.modified.getTime() === other.modified.getTime()
  );
}

async function markerFacts(root: string, fileSystem: FileSystem): Promise<FileFacts | undefined> {
  try {
    return await fileSystem.factsOf(join(root, markerName));
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw storeError(`open location ${root}`, error);
  }
}
