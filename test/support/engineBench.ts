import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBackup } from '../../daemon/engine/backup/backup.ts';
import { BackupStoppedError } from '../../daemon/engine/backup/stoppedError.ts';
import type {
  BackupJob,
  BackupResult,
  CommitGate,
  EngineThreads,
  FolderSource,
  LiveRestorePoint,
  PinnedIndex,
  RestoreJob,
  RestoreResult,
  RestoreSource,
} from '../../daemon/engine/jobs.ts';
import { runRestore } from '../../daemon/engine/restore/restore.ts';
import type { ObjectStore } from '../../daemon/locations/objectStore.ts';
import { keySourceOf } from '../../daemon/repository/keySource.ts';
import { openManifest } from '../../daemon/repository/manifest.ts';
import type { Manifest } from '../../daemon/repository/manifestTypes.ts';
import { packKey } from '../../daemon/repository/names.ts';
import type { PolicyKeys } from '../../daemon/repository/policyKeys.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { SourceId } from '../../protocol/ids.ts';
import { bundleWorker } from './bundledWorker.ts';
import { newId } from './ids.ts';
import { MemoryStore } from './memoryStore.ts';
import { keysNamed } from './repositoryKeys.ts';

/** How the tests get their threads: from a bundle, for they start many. */
export const testThreads: EngineThreads = { workerUrl: bundleWorker(), workers: 2 };

/** Keys with a gear table that cuts by content, as derived ones do. */
export function engineKeys(name = 'engine'): PolicyKeys {
  const gear = new Uint32Array(256);
  for (const byte of gear.keys()) gear[byte] = createHash('sha256').update(`${name}/gear/${byte}`).digest().readUInt32LE(0);
  return { ...keysNamed(name), gear };
}

/** The commit gate of the daemon without its catalog: every object that is reached has to be there, with its length where that is known. */
export function strictGate(store: ObjectStore, keys: PolicyKeys): CommitGate {
  return async ({ uploaded, indexes, hits }) => {
    const packs: string[] = [];
    for (const { key, length } of [...uploaded, ...indexes]) {
      if ((await store.head(key))?.size !== length) throw new HoldfastError('objectMissing', `Failed to commit: ${key} is not there.`);
    }
    for (const objectId of hits) {
      const key = packKey(keys.installationId, keys.policyId, objectId);
      if ((await store.head(key)) === undefined) packs.push(Buffer.from(objectId).toString('hex'));
    }
    if (packs.length > 0)
      throw new HoldfastError('objectMissing', 'Failed to rely on stored data: packs are gone.', { details: { packs } });
  };
}

/** One policy of one source: backs up and restores as the daemon does, and keeps what a run must know of those before it. */
export class EngineBench implements Disposable {
  readonly root: string;
  readonly source: string;
  readonly keys: PolicyKeys = engineKeys();
  readonly sourceId: SourceId = newId<SourceId>();
  readonly results: BackupResult[] = [];
  store: ObjectStore;
  parentIndexes: readonly PinnedIndex[] = [];
  nextIndexSequence = 1;
  #targets = 0;

  constructor(store: ObjectStore = new MemoryStore()) {
    this.root = mkdtempSync(join(process.env['HOLDFAST_TEST_TMPDIR'] ?? tmpdir(), 'holdfast-engine-'));
    this.source = join(this.root, 'source');
    this.store = store;
    mkdirSync(this.source);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }

  get cacheFile(): string {
    return join(this.root, 'cache', `${this.sourceId}.cache`);
  }

  get last(): BackupResult {
    const last = this.results.at(-1);
    if (last === undefined) throw new Error('nothing was backed up yet');
    return last;
  }

  sourceOf(changes: Partial<FolderSource> = {}): FolderSource {
    return {
      id: this.sourceId,
      kind: 'folder',
      path: this.source,
      label: this.source,
      exclude: [],
      gitignore: false,
      oneFileSystem: false,
      includeCaches: true,
      ...changes,
    };
  }

  job(changes: Partial<BackupJob> = {}, source: Partial<FolderSource> = {}): BackupJob {
    const store = changes.store ?? this.store;
    const live = this.results.map(({ manifest }): LiveRestorePoint => {
      const { sequence, objectId, versionId, sha256 } = manifest;
      return { sequence, objectId, versionId, sha256 };
    });
    return {
      keys: this.keys,
      store,
      writer: 'holdfast test',
      sources: [this.sourceOf(source)],
      alwaysExclude: [],
      policyDefinition: { name: 'test' },
      sequence: this.results.length + 1,
      previous: this.results.at(-1)?.manifest.sha256 ?? null,
      live,
      heads: { policies: {}, keyring: null, term: null },
      parentIndexes: this.parentIndexes,
      nextIndexSequence: this.nextIndexSequence,
      cacheFolder: join(this.root, 'cache'),
      ledger: { uploading: async () => undefined, uploaded: async () => undefined, hits: async () => undefined },
      gate: strictGate(store, this.keys),
      clock: () => Date.now(),
      signal: new AbortController().signal,
      ...changes,
    };
  }

  /** A run that comes to its end; what it left is what the next one builds on. */
  async backup(changes: Partial<BackupJob> = {}, source: Partial<FolderSource> = {}): Promise<BackupResult> {
    const result = await runBackup(this.job(changes, source), testThreads);
    this.results.push(result);
    this.parentIndexes = result.indexes;
    this.nextIndexSequence = result.nextIndexSequence;
    return result;
  }

  /** A run that must be stopped; its error. What it left is handed to the next one, as the daemon does. */
  async failingBackup(changes: Partial<BackupJob> = {}, source: Partial<FolderSource> = {}): Promise<HoldfastError> {
    const error = await runBackup(this.job(changes, source), testThreads).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof BackupStoppedError)) throw new Error('the run was not stopped by an error of its own', { cause: error });
    const { indexes, nextIndexSequence } = error.remains;
    this.parentIndexes = [...this.parentIndexes, ...indexes];
    this.nextIndexSequence = nextIndexSequence;
    return error;
  }

  async manifest(result: BackupResult = this.last): Promise<Manifest> {
    const stored = await this.store.get(result.manifest.key);
    if (stored === undefined) throw new Error('the manifest is not there');
    return openManifest(stored.body, keySourceOf(this.keys), { key: result.manifest.key, storeId: this.store.storeId }, 'a manifest')
      .manifest;
  }

  /** A fresh folder. */
  target(): string {
    this.#targets += 1;
    return join(this.root, `target ${this.#targets}`);
  }

  async restoreJob(folder: string, changes: Partial<RestoreJob> = {}, result: BackupResult = this.last): Promise<RestoreJob> {
    const { sources, indexes } = await this.manifest(result);
    return {
      keys: [this.keys],
      store: this.store,
      sources: sources.map((source): RestoreSource => source),
      indexes,
      targets: sources.map(({ id }) => ({ sourceId: id, folder })),
      conflict: 'refuse',
      signal: new AbortController().signal,
      ...changes,
    };
  }

  async restore(folder: string, changes: Partial<RestoreJob> = {}, result: BackupResult = this.last): Promise<RestoreResult> {
    return await runRestore(await this.restoreJob(folder, changes, result), testThreads);
  }
}

/** Names that a run or a restore must not leave in a folder tree. */
export function temporaryNames(folder: string): string[] {
  // Not the runtime's recursive listing: it follows links, and a few that lead back make it one of millions.
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => [
    ...(/\.holdfast-|\.tmp-/.test(entry.name) ? [entry.name] : []),
    ...(entry.isDirectory() ? temporaryNames(join(folder, entry.name)) : []),
  ]);
}
