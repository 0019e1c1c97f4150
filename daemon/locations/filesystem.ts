import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import type { StoreId } from '../../protocol/ids.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import { createDurably, temporaryPrefix } from './durableFile.ts';
import { type FileFacts, type FileSystem, nodeFileSystem, type OpenFile } from './fileAccess.ts';
import { type NameFilter, objectNames, walkFolder } from './folderWalk.ts';
import { markerName } from './marker.ts';
import { checkObjectKey, checkPrefix } from './objectKey.ts';
import type {
  GetOptions,
  ListedObject,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  PutResult,
  ReadOptions,
  StoreCapabilities,
  SweepOptions,
} from './objectStore.ts';
import { storeError, throwIfAborted } from './storeErrors.ts';
import { StoreGuard } from './storeGuard.ts';

const pageLength = 1000;
/** That many `lstat` calls are under way at once while listing. */
const lookupsAtOnce = 16;

export interface FilesystemStoreOptions {
  /** The location's folder, absolute. */
  readonly root: string;
  /** The store that must be there; any store is taken where it is left out. */
  readonly storeId?: StoreId | undefined;
  readonly fileSystem?: FileSystem;
}

export interface FilesystemStore extends ObjectStore {
  readonly root: string;
  /** See `ObjectStore.sweepTemporaries`: `.tmp-…` files and empty files. */
  sweepTemporaries(prefix: string, options?: SweepOptions): Promise<number>;
}

/** Opens a folder that `initialiseStore` made a store. Rejects with `storeUnreachable` where its marker is missing or another's. */
export async function openFilesystemStore(options: FilesystemStoreOptions): Promise<FilesystemStore> {
  if (!isAbsolute(options.root)) throw new HoldfastError('badValue', `Failed to open location ${options.root}: the path is not absolute.`);
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const root = resolve(options.root);
  const guard = await StoreGuard.open(root, fileSystem, options.storeId);
  return new FolderStore(root, fileSystem, guard.storeId, () => guard.check());
}

/** Objects as files below a folder. `checkThere` rejects when the folder is not (any more) the store that was opened. */
export class FolderStore implements FilesystemStore {
  readonly root: string;
  readonly storeId: StoreId;
  readonly capabilities: StoreCapabilities = { lock: 'soft', versions: false, conditionalPut: true };
  readonly #fileSystem: FileSystem;
  readonly #checkThere: () => Promise<void>;
  #failed: HoldfastError | undefined;

  constructor(root: string, fileSystem: FileSystem, storeId: StoreId, checkThere: () => Promise<void>) {
    this.root = root;
    this.storeId = storeId;
    this.#fileSystem = fileSystem;
    this.#checkThere = checkThere;
  }

  /** See `ObjectStore.put`. After an input/output error no more is written through this store: open it anew. */
  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    checkObjectKey(key);
    const action = `put object ${key}`;
    if (body.length === 0) throw new HoldfastError('badValue', `Failed to ${action}: it has no bytes.`);
    const beforeStep = (): void => {
      if (this.#failed !== undefined) throw this.#failed;
      throwIfAborted(options.signal, action);
    };
    const onFailure = (error: unknown): void => {
      if (systemCode(error) === 'EIO') this.#failed ??= storeError(action, error);
    };
    beforeStep();
    const path = this.#path(key);
    const folder = dirname(path);
    try {
      await this.#checkThere();
      await this.#checkWay(folder);
      if ((await this.#factsOf(path)) !== undefined) throw objectExists(action);
      await this.#makeFolders(folder, beforeStep);
      await createDurably(this.#fileSystem, folder, basename(path), body, { beforeStep, onFailure });
      // A sync of the same folder that came back well after another's had failed says nothing about this name.
      if (this.#failed !== undefined) throw this.#failed;
      return { versionId: null, lock: null };
    } catch (error) {
      if (systemCode(error) === 'EEXIST') throw objectExists(action);
      onFailure(error);
      throw storeError(action, error);
    }
  }

  async head(key: string, options: ReadOptions = {}): Promise<ObjectFacts | undefined> {
    checkObjectKey(key);
    const action = `look for object ${key}`;
    throwIfAborted(options.signal, action);
    try {
      const path = this.#path(key);
      const facts = (await this.#isLedAway(path)) ? undefined : await this.#factsOf(path);
      if (facts === undefined || facts.kind !== 'file' || facts.size === 0) return await this.#nothing();
      return objectFacts(key, facts);
    } catch (error) {
      throw storeError(action, error);
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectBody | undefined> {
    checkObjectKey(key);
    const action = `read object ${key}`;
    const { signal, offset = 0, into } = options;
    throwIfAborted(signal, action);
    let file: OpenFile | undefined;
    try {
      const path = this.#path(key);
      if (!(await this.#isLedAway(path))) file = await this.#openToRead(path);
      const facts = await file?.facts();
      if (file === undefined || facts === undefined || facts.kind !== 'file' || facts.size === 0) return await this.#nothing();
      const length = Math.max(0, Math.min(options.length ?? Number.POSITIVE_INFINITY, facts.size - offset));
      if (into !== undefined && into.length < length) {
        throw new HoldfastError('badValue', `Failed to ${action}: the buffer holds ${into.length} of ${length} bytes.`);
      }
      const body = (into ?? new Uint8Array(length)).subarray(0, length);
      let done = 0;
      while (done < length) {
        throwIfAborted(signal, action);
        const read = await file.read(body.subarray(done, Math.min(length, done + (8 << 20))), offset + done);
        if (read === 0) break;
        done += read;
      }
      return { ...objectFacts(key, facts), body: body.subarray(0, done), offset };
    } catch (error) {
      throw storeError(action, error);
    } finally {
      await file?.close();
    }
  }

  async *list(prefix: string, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<readonly ListedObject[]> {
    checkPrefix(prefix);
    const action = `list objects below "${prefix}"`;
    const beforeStep = (): void => throwIfAborted(options.signal, action);
    try {
      beforeStep();
      await this.#checkThere();
      let page: ListedObject[] = [];
      let waiting: { readonly key: string; readonly path: string }[] = [];
      const lookUp = async (): Promise<void> => {
        const found = await Promise.all(waiting.map(async ({ key, path }) => ({ key, facts: await this.#factsOf(path) })));
        waiting = [];
        for (const { key, facts } of found) {
          if (facts !== undefined && facts.kind === 'file' && facts.size > 0) {
            page.push({ key, versionId: null, size: facts.size, lastModified: facts.modified });
          }
        }
      };
      for await (const file of walkFolder(this.#fileSystem, this.root, prefix, objectNames, beforeStep)) {
        if (file.key === markerName) continue;
        if (waiting.push(file) === lookupsAtOnce) await lookUp();
        if (page.length >= pageLength) {
          yield page;
          page = [];
        }
      }
      await lookUp();
      // A store that went away in mid-walk looks like empty folders: what was read of it must not pass for all that there is.
      await this.#checkThere();
      if (page.length > 0) yield page;
    } catch (error) {
      throw storeError(action, error);
    }
  }

  async delete(key: string, _versionId: string | null, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkObjectKey(key);
    const action = `delete object ${key}`;
    throwIfAborted(options.signal, action);
    const path = this.#path(key);
    try {
      await this.#checkThere();
      await this.#checkWay(dirname(path));
      await this.#fileSystem.unlink(path);
      await this.#fileSystem.syncFolder(dirname(path));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw storeError(action, error);
      await this.#checkThere();
    }
  }

  async sweepTemporaries(prefix: string, options: SweepOptions = {}): Promise<number> {
    checkPrefix(prefix);
    const { before, signal } = options;
    const action = `sweep temporary files below "${prefix}"`;
    const beforeStep = (): void => throwIfAborted(signal, action);
    let swept = 0;
    try {
      await this.#checkThere();
      for await (const { key, path } of walkFolder(this.#fileSystem, this.root, prefix, sweepCandidates, beforeStep)) {
        const name = key.slice(key.lastIndexOf('/') + 1);
        const facts = key === markerName ? undefined : await this.#factsOf(path);
        if (facts === undefined || (before !== undefined && facts.modified >= before)) continue;
        if (!name.startsWith(temporaryPrefix) && facts.size > 0) continue;
        await this.#fileSystem.unlink(path);
        swept += 1;
      }
      return swept;
    } catch (error) {
      throw storeError(action, error);
    }
  }

  #path(key: string): string {
    return join(this.root, key);
  }

  /**
   * Rejects with `tampered` where a link or a file has the place of a folder on the way to an object. This program never makes one: it would lead what is
   * put out of the location, and no listing would find it. Looked for each time, since whoever can write here can make one at any time.
   */
  async #checkWay(folder: string): Promise<void> {
    if (folder === this.root) return;
    await this.#checkWay(dirname(folder));
    const facts = await this.#factsOf(folder);
    if (facts === undefined || facts.kind === 'folder') return;
    throw HoldfastError.failedTo('tampered', `use ${folder}`, 'a link or a file has the place of a folder of the location', {
      fix: 'Look who put it there; put the folder back in its place.',
    });
  }

  /** Whether a folder on the way to an object is none: what is behind it is no object of this location, as no listing shows it. */
  async #isLedAway(path: string): Promise<boolean> {
    try {
      await this.#checkWay(dirname(path));
      return false;
    } catch (error) {
      if (!HoldfastError.is(error, 'tampered')) throw error;
      return true;
    }
  }

  /** "Not there" is only said of a store that is there. */
  async #nothing(): Promise<undefined> {
    await this.#checkThere();
    return undefined;
  }

  async #factsOf(path: string): Promise<FileFacts | undefined> {
    try {
      return await this.#fileSystem.factsOf(path);
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  async #openToRead(path: string): Promise<OpenFile | undefined> {
    try {
      return await this.#fileSystem.openToRead(path);
    } catch (error) {
      // ELOOP: the name is a symbolic link, which this program never makes.
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR' || systemCode(error) === 'ELOOP') return undefined;
      throw error;
    }
  }

  /** Makes the missing folders from the top; each is durable (its parent synced) before anything is put into it. */
  async #makeFolders(folder: string, beforeStep: () => void): Promise<void> {
    if (folder === this.root || (await this.#factsOf(folder))?.kind === 'folder') return;
    const parent = dirname(folder);
    await this.#makeFolders(parent, beforeStep);
    beforeStep();
    try {
      await this.#fileSystem.makeFolder(folder);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    beforeStep();
    await this.#fileSystem.syncFolder(parent);
  }
}

const sweepCandidates: NameFilter = (entry) => entry.name.startsWith(temporaryPrefix) || objectNames(entry);

function objectExists(action: string): HoldfastError {
  return new HoldfastError('objectExists', `Failed to ${action}: an object of that name is there already.`);
}

function objectFacts(key: string, facts: FileFacts): ObjectFacts {
  return { key, versionId: null, size: facts.size, lastModified: facts.modified, lock: null };
}
