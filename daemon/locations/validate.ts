import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type StoreId } from '../../protocol/ids.ts';
import type { FilesystemSpec, LocationCheck } from '../../protocol/methods/locations.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import { type FileFacts, type FileSystem, nodeFileSystem } from './fileAccess.ts';
import { FolderStore } from './filesystem.ts';
import { removeQuietly } from './durableFile.ts';
import { markerName, readMarker } from './marker.ts';
import { failed, type Outcome, warned } from './preflight/checkList.ts';
import { storeError, throwIfAborted } from './storeErrors.ts';

export interface ValidateOptions {
  readonly spec: FilesystemSpec;
  /** The store that must be there; left out before the location is added, when the folder needs no marker yet. */
  readonly storeId?: StoreId;
  readonly stateDirectory: string;
  readonly now: () => Date;
  readonly fileSystem?: FileSystem;
  readonly signal?: AbortSignal;
}

const canaryLength = 65_536;
const canaryPrefix = 'holdfast-check-';
const canaryFolder = /^holdfast-check-[0-9a-f]{16}$/;
/** A canary that is older was left by a crash; a younger one may be another validation's. */
const oldCanaryMs = 3_600_000;
/** The canary carries no header, so that no storeId goes anywhere. */
const unknownStore: StoreId = idOf<StoreId>('00000000-0000-0000-0000-000000000000');
const littleSpace = 1024 ** 3;
const largestSkewMs = 60_000;

/**
 * Tries what a backup will need of a folder, with a small object that is deleted again. A failed check is an answer; checks that need what failed are left out.
 * Rejects with `cancelled` only.
 */
export async function validateLocation(options: ValidateOptions): Promise<readonly LocationCheck[]> {
  return await new Validation(options).run();
}

class Validation {
  readonly #options: ValidateOptions;
  readonly #root: string;
  readonly #fileSystem: FileSystem;
  readonly #checks: LocationCheck[] = [];

  constructor(options: ValidateOptions) {
    this.#options = options;
    this.#root = options.spec.path;
    this.#fileSystem = options.fileSystem ?? nodeFileSystem;
  }

  async run(): Promise<readonly LocationCheck[]> {
    let root: FileFacts | undefined;
    const isThere =
      (await this.#check('exists', async () => {
        root = await this.#rootFacts();
        return { detail: `${this.#root} is there.` };
      })) &&
      (await this.#check('isFolder', async () =>
        root?.kind === 'folder' ? { detail: 'It is a folder.' } : failed('It is a file, not a folder.', 'Choose a folder.'),
      )) &&
      (await this.#check('marker', () => this.#marker())) &&
      (await this.#check('readable', async () => {
        await this.#fileSystem.readFolder(this.#root);
        return { detail: 'The folder can be listed.' };
      }));
    if (isThere) {
      await this.#tryCanary();
      await this.#check('freeSpace', () => this.#freeSpace());
      await this.#check('otherDisk', () => this.#otherDisk(root));
    }
    return this.#checks;
  }

  /** Adds one line to the list; `false` where it failed. */
  async #check(check: string, work: () => Promise<Outcome>): Promise<boolean> {
    throwIfAborted(this.#options.signal, `validate location ${this.#root}`);
    try {
      const { detail, result, fix } = await work();
      this.#checks.push({ check, result: result ?? 'pass', detail, fix: fix ?? null });
      return result !== 'fail';
    } catch (error) {
      const mapped = storeError(`check location ${this.#root}`, error);
      if (mapped.code === 'cancelled') throw mapped;
      this.#checks.push({ check, result: 'fail', detail: mapped.message, fix: mapped.fix ?? null });
      return false;
    }
  }

  async #rootFacts(): Promise<FileFacts> {
    try {
      return await this.#fileSystem.factsOfTarget(this.#root);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      throw new HoldfastError('storeUnreachable', `${this.#root} is not there.`, {
        fix: 'Mount the drive or share, or make the folder first.',
        cause: error,
      });
    }
  }

  async #marker(): Promise<Outcome> {
    const marker = await readMarker(this.#root, this.#fileSystem);
    const expected = this.#options.storeId;
    if (marker === undefined) {
      if (expected === undefined) return { detail: `A new store: its marker ${markerName} will be made.` };
      return failed(`The marker ${markerName} is not there (unmounted?).`, 'Mount the drive or share of this location.');
    }
    if (expected !== undefined && marker.storeId !== expected) {
      return failed('Another store is there (another drive at the same path?).', 'Connect the drive that belongs to this location.');
    }
    return { detail: `Store ${marker.storeId}, made ${marker.createdAt}.` };
  }

  async #tryCanary(): Promise<void> {
    await this.#removeOldCanaries();
    const folder = `${canaryPrefix}${randomBytes(8).toString('hex')}`;
    const key = `${folder}/canary`;
    // The folder is a store only once it has a marker, which the checks before have looked at.
    const store = new FolderStore(this.#root, this.#fileSystem, this.#options.storeId ?? unknownStore, async () => undefined);
    const bytes = randomBytes(canaryLength);
    try {
      if (!(await this.#check('writable', async () => (await store.put(key, bytes), { detail: 'A small object was put.' })))) return;
      await this.#check('clock', () => this.#clock(store, key));
      await this.#check('putIfAbsent', () => this.#putIfAbsent(store, key));
      await this.#check('readBack', async () => same((await store.get(key))?.body, bytes, 'The object was read back.'));
      const range = { offset: 1000, length: 5000 };
      await this.#check('rangeRead', async () =>
        same((await store.get(key, range))?.body, bytes.subarray(range.offset, range.offset + range.length), 'A part of it was read.'),
      );
      await this.#check('list', () => this.#list(store, folder, key));
      await this.#check('hardLinks', () => this.#hardLinks(folder));
      await this.#check('folderSync', () => this.#folderSync(folder));
      await this.#check('delete', () => this.#delete(store, key));
    } finally {
      await removeQuietly(this.#fileSystem, join(this.#root, key));
      await this.#fileSystem.removeFolder(join(this.#root, folder)).catch(() => undefined);
    }
  }

  /** What validations left that did not come to their end. What can't be removed is no worse than before. */
  async #removeOldCanaries(): Promise<void> {
    const fileSystem = this.#fileSystem;
    const now = this.#options.now().getTime();
    try {
      for (const { name, kind } of await fileSystem.readFolder(this.#root)) {
        const folder = join(this.#root, name);
        if (kind !== 'folder' || !canaryFolder.test(name)) continue;
        if (now - (await fileSystem.factsOf(folder)).modified.getTime() < oldCanaryMs) continue;
        for (const left of await fileSystem.readFolder(folder)) await removeQuietly(fileSystem, join(folder, left.name));
        await fileSystem.removeFolder(folder);
      }
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
    }
  }

  async #clock(store: FolderStore, key: string): Promise<Outcome> {
    const facts = await store.head(key);
    if (facts === undefined) return failed('The object that was put is not there.', 'Choose another folder.');
    const skew = Math.abs(facts.lastModified.getTime() - this.#options.now().getTime());
    if (skew <= largestSkewMs) return { detail: "The file system's clock agrees with this machine's." };
    return warned(
      `The file system's clock differs from this machine's by ${Math.round(skew / 1000)} seconds.`,
      'Set the clock of this machine, or that of the file server.',
    );
  }

  async #putIfAbsent(store: FolderStore, key: string): Promise<Outcome> {
    try {
      await store.put(key, randomBytes(canaryLength));
    } catch (error) {
      if (HoldfastError.is(error, 'objectExists')) return { detail: 'A second object of the same name is refused.' };
      throw error;
    }
    return failed('A second object of the same name replaced the first.', 'Choose another file system.');
  }

  async #list(store: FolderStore, folder: string, key: string): Promise<Outcome> {
    for await (const page of store.list(`${folder}/`)) {
      if (page.some((listed) => listed.key === key && listed.size === canaryLength)) return { detail: 'The object is listed.' };
    }
    return failed('The object that was put is not listed.', 'Choose another file system.');
  }

  async #hardLinks(folder: string): Promise<Outcome> {
    const probe = join(this.#root, folder, 'link');
    try {
      await this.#fileSystem.link(join(this.#root, folder, 'canary'), probe);
      return { detail: 'Hard links work.' };
    } catch (error) {
      const reason = systemCode(error) ?? 'unknown';
      return warned(`There are no hard links (${reason}): names are given by exclusive creation instead.`, 'None is needed.');
    } finally {
      await removeQuietly(this.#fileSystem, probe);
    }
  }

  async #folderSync(folder: string): Promise<Outcome> {
    const isSynced = await this.#fileSystem.syncFolder(join(this.#root, folder));
    if (isSynced || process.platform === 'win32') return { detail: 'What is written survives a power cut.' };
    return warned(
      'Folders cannot be synced here: the last objects before a power cut may be lost.',
      'Use a local file system where you can.',
    );
  }

  async #delete(store: FolderStore, key: string): Promise<Outcome> {
    await store.delete(key, null);
    const left = await store.head(key);
    return left === undefined
      ? { detail: 'The object was deleted.' }
      : failed('The object is still there.', 'Give this user the right to delete.');
  }

  async #freeSpace(): Promise<Outcome> {
    const { available } = await this.#fileSystem.space(this.#root);
    const isMuch = available >= littleSpace;
    const detail = isMuch ? `${(available / 1024 ** 3).toFixed(1)} GiB are free.` : `${Math.floor(available / 1024 ** 2)} MiB are free.`;
    return available < littleSpace ? warned(detail, 'Free some space, or choose a bigger disk.') : { detail };
  }

  async #otherDisk(root: FileFacts | undefined): Promise<Outcome> {
    const state = await this.#fileSystem.factsOfTarget(this.#options.stateDirectory);
    if (state.device !== root?.device) return { detail: 'It is on another disk than the state directory.' };
    return warned(
      'It is on the same disk as this machine: what destroys the one destroys the other.',
      'Use another disk, a share or a bucket.',
    );
  }
}

function same(found: Uint8Array | undefined, expected: Uint8Array, detail: string): Outcome {
  if (found !== undefined && Buffer.compare(found, expected) === 0) return { detail };
  return failed('Other bytes came back than were written.', 'Check the disk, or choose another one.');
}
