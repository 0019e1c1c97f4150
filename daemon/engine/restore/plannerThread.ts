import { closeSync, ftruncateSync, linkSync, lchownSync, lutimesSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { HoldfastError } from '../../../protocol/errors.ts';
import { hexOf } from '../../repository/bytes.ts';
import { ChunkReader } from '../../repository/chunkReader.ts';
import { dataLengthOf, type Entry, type FileContent } from '../../repository/entry.ts';
import { IndexSet } from '../../repository/indexSet.ts';
import type { IndexView } from '../../repository/indexView.ts';
import { keySourceOf } from '../../repository/keySource.ts';
import { PackReader } from '../../repository/packReader.ts';
import { indexReadLength, openPinnedIndex, pinnedIndexName } from '../../repository/pinnedIndex.ts';
import { readSourceRoot } from '../../repository/sourceRoot.ts';
import { type NodePlace, TreeReader } from '../../repository/treeReader.ts';
import { displayPath } from '../displayPath.ts';
import type { RestoreSource, RestoreTarget } from '../jobs.ts';
import { rawPath } from '../rawPath.ts';
import { specialReasons } from '../specialReasons.ts';
import { RunControl, RunCounters } from '../threads/runMemory.ts';
import { createTemporary, giveName, isTaken, removeIfThere, setAttributes } from './fileFinish.ts';
import { type FileFailure, FileRestores, nameTaken } from './fileRestores.ts';
import { timeArgument } from './fileTimes.ts';
import { failureOf, MainStore } from './mainStore.ts';
import type { PlannerData, PlannerOrder, PlannerReport } from './messages.ts';
import type { FileTarget } from './packJobCodec.ts';
import { FolderDoor, openFolder } from './folderDoor.ts';
import { RestoreReport } from './restoreReport.ts';
import { type Selected, Selection } from './selection.ts';
import { sweepLeftovers } from './sweepLeftovers.ts';
import { codeOf, enterFolder, freeName, isFreePath, makeTarget, reasonFor } from './targetFolders.ts';
import { temporaryName } from './temporaryName.ts';

const setUserId = 0o4000;
const setGroupId = 0o2000;
const setIdBits = setUserId | setGroupId;
const nameHeld = 'something has its name already';
const blockCacheBytes = 32 * 1024 * 1024;

/** The planner: reads indexes and trees, makes folders and links, plans the files. Ends after its report. */
export async function runPlanner(data: PlannerData): Promise<void> {
  const main = parentPort;
  if (main === null) throw new Error('A planner runs in a worker thread.');
  const tell = (report: PlannerReport): void => main.postMessage(report, []);
  using planner = new Planner(data, tell);
  main.on('message', (order: PlannerOrder) => planner.take(order));
  try {
    tell({ type: 'planned', result: await planner.run() });
  } catch (error) {
    planner.removeUnfinished(error instanceof Error ? error : new Error(String(error)));
    tell({ type: 'failed', error: failureOf(error) });
  } finally {
    main.close();
  }
}

/** A folder of the tree to be gone through. */
interface FolderToDo {
  readonly child: Uint8Array;
  /** In the target, bytes as latin-1 characters. */
  readonly path: string;
  /** Inside the source; '' for its top. */
  readonly inSource: string;
  readonly selected: Selected;
  /** The node that holds the folder's entry. */
  readonly under: NodePlace;
}

interface FolderToFinish {
  readonly path: string;
  readonly shown: string;
  readonly mode: number;
  readonly mtime: bigint | undefined;
  readonly uid: number;
  readonly gid: number;
}

interface LinkGroup {
  readonly path: string;
  readonly content: string;
  outcome: 'underWay' | 'there' | FileFailure;
}

interface LinkToMake {
  readonly group: LinkGroup;
  readonly target: FileTarget;
  readonly shown: string;
}

class Planner implements Disposable {
  readonly #data: PlannerData;
  readonly #tell: (report: PlannerReport) => void;
  readonly #store: MainStore;
  readonly #control: RunControl;
  readonly #counters: RunCounters;
  readonly #report: RestoreReport = new RestoreReport();
  readonly #finish: FolderToFinish[] = [];
  readonly #shared = new Map<string, string>();
  readonly #groups = new Map<string, LinkGroup>();
  readonly #links: LinkToMake[] = [];
  readonly #door: FolderDoor = new FolderDoor();
  #restores: FileRestores | undefined;
  #temporaries = 0;
  #entries = 0;
  #plannedFiles = 0;
  #plannedBytes = 0;
  #files = 0;
  #bytes = 0;

  constructor(data: PlannerData, tell: (report: PlannerReport) => void) {
    this.#data = data;
    this.#tell = tell;
    this.#store = new MainStore(data.header.storeId, tell);
    this.#control = new RunControl(data.memory);
    this.#counters = new RunCounters(data.memory, 0);
  }

  [Symbol.dispose](): void {
    this.#door[Symbol.dispose]();
  }

  take(order: PlannerOrder): void {
    switch (order.type) {
      case 'got':
      case 'getFailed':
        this.#store.answer(order);
        break;
      case 'jobDone':
        this.#restores?.jobDone(order.done);
        break;
      case 'stop':
        this.#restores?.stop(new HoldfastError('cancelled', 'Failed to restore: it was stopped.'));
        break;
    }
  }

  removeUnfinished(error: Error): void {
    this.#restores?.stop(error);
  }

  async run(): Promise<Extract<PlannerReport, { readonly type: 'planned' }>['result']> {
    const { keys, header, sources, targets } = this.#data;
    const indexes = new IndexSet(await this.#readIndexes());
    const packs = new PackReader(this.#store, keySourceOf(...keys), header);
    const chunks = new ChunkReader(indexes, packs, blockCacheBytes);
    const restores = new FileRestores(
      indexes,
      (id, kind) => chunks.read(id, kind),
      (location) => packs.keyOf(location.pack),
      (jobs) => this.#tell({ type: 'jobs', jobs }),
      this.#door,
    );
    this.#restores = restores;
    this.#makeSharedFolders();
    for (const target of targets) {
      const source = sources.find(({ id }) => id === target.sourceId);
      if (source === undefined) continue;
      const tree = new TreeReader((id, kind) => chunks.read(id, kind), source.separator.charCodeAt(0));
      await this.#restoreSource(source, target, tree, restores);
    }
    this.#tell({ type: 'totals', files: this.#plannedFiles, bytes: this.#plannedBytes });
    await restores.drain();
    for (const link of this.#links) this.#makeHardLink(link);
    this.#finishFolders();
    return {
      files: this.#files,
      bytes: this.#bytes,
      ...this.#report.findings(),
    };
  }

  async #readIndexes(): Promise<IndexView[]> {
    const { indexes, header, keys } = this.#data;
    const views: IndexView[] = [];
    for (const pinned of indexes) {
      try {
        // A key is looked at before the store is asked for it: a bad one refuses its index, not the restore.
        pinnedIndexName(pinned, header);
        const found = await this.#store.get(pinned.key, { versionId: pinned.versionId, length: indexReadLength(pinned) });
        const view =
          found === undefined
            ? undefined
            : openPinnedIndex(pinned, found.body, header, ({ masterKeyId, keyGeneration }) => {
                const set = keySourceOf(...keys).byMasterKeyId(masterKeyId, keyGeneration);
                if (set === undefined) throw HoldfastError.failedTo('wrongSecret', `read index ${pinned.key}`, 'its keys are not held');
                return set.index;
              });
        if (view === undefined) this.#report.warn(`Index ${pinned.key} is missing or damaged; what only it names can't be restored.`);
        else views.push(view);
      } catch (error) {
        if (!isAboutOneObject(error)) throw error;
        this.#report.warn(`Index ${pinned.key} can't be used; what only it names can't be restored: ${error.reason}.`);
      }
    }
    return views;
  }

  async #restoreSource(source: RestoreSource, target: RestoreTarget, tree: TreeReader, restores: FileRestores): Promise<void> {
    const { selection } = this.#data;
    // Numbers of hard-link groups are unique in a source, not across sources.
    this.#groups.clear();
    const wanted = Selection.of(selection?.get(source.id));
    if (selection !== undefined && wanted.isEmpty) return;
    const folder = this.#shared.get(target.folder) ?? this.#makeTarget(target.folder);
    let root: Entry;
    try {
      root = await readSourceRoot(tree, source);
    } catch (error) {
      if (!isAboutOneObject(error)) throw error;
      this.#report.damage(source.label, error.reason);
      return;
    }
    if (root.child === undefined) {
      const name = target.name === undefined ? root.name : Buffer.from(target.name, 'utf8');
      await this.#restoreEntry({ path: folder, inSource: '' }, { ...root, name }, restores);
      return;
    }
    if (wanted.root.isAll) this.#finish.push(this.#folderToFinish(folder, '', root));
    const under: NodePlace = { id: source.root, depth: 0, above: undefined };
    const todo: FolderToDo[] = [{ child: root.child, path: folder, inSource: '', selected: wanted.root, under }];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      // One by one: a folder may have more folders than a call takes arguments.
      for (const below of await this.#restoreFolder(next, tree, restores)) todo.push(below);
    }
    for (const path of wanted.notFound()) this.#report.damage(shown(path), 'the restore point has no such entry');
  }

  /** Folders that files of several sources come into, and folders of others: each is looked at once, before anything is in it. */
  #makeSharedFolders(): void {
    for (const { folder, name } of this.#data.targets) {
      if (name !== undefined && !this.#shared.has(folder)) this.#shared.set(folder, this.#makeTarget(folder));
    }
  }

  #makeTarget(folder: string): string {
    const { conflict, dryRun, endedRunIds } = this.#data;
    const path = makeTarget(folder, conflict, dryRun, endedRunIds);
    if (!dryRun) this.#sweep(path);
    return path;
  }

  #sweep(folder: string): void {
    sweepLeftovers(this.#door, folder, this.#data.endedRunIds, (sentence) => this.#report.warn(sentence));
  }

  /** Restores what lies directly in a folder, and returns its folders. */
  async #restoreFolder(folder: FolderToDo, tree: TreeReader, restores: FileRestores): Promise<FolderToDo[]> {
    const below: FolderToDo[] = [];
    for await (const leaf of tree.leaves(folder.child, { under: folder.under })) {
      if ('refused' in leaf) {
        if (!isAboutOneObject(leaf.refused)) throw leaf.refused;
        const path = folder.inSource === '' ? '.' : shown(folder.inSource);
        this.#report.damage(path, `a part of this folder can't be read: ${leaf.refused.reason}`);
        continue;
      }
      for (const record of leaf.entries) {
        this.#countEntry();
        const name = record.name.toString('latin1');
        const selected = folder.selected.below(name);
        if (selected === undefined) continue;
        const inSource = folder.inSource === '' ? name : `${folder.inSource}/${name}`;
        let entry: Entry;
        try {
          entry = tree.decode(record);
        } catch (error) {
          if (!isAboutOneObject(error)) throw error;
          this.#report.damage(shown(inSource), error.reason);
          continue;
        }
        if (entry.child === undefined) {
          await this.#restoreEntry({ path: folder.path, inSource }, entry, restores);
          continue;
        }
        const path = this.#enter(folder.path, name, inSource);
        if (path === undefined) continue;
        this.#finish.push(this.#folderToFinish(path, inSource, entry));
        below.push({ child: entry.child, path, inSource, selected, under: leaf.place });
      }
    }
    return below;
  }

  #countEntry(): void {
    this.#entries += 1;
    if (this.#control.isStopped) throw new HoldfastError('cancelled', 'Failed to restore: it was stopped.');
    if (this.#entries > this.#data.entryLimit) {
      throw HoldfastError.failedTo('damaged', 'restore', `the restore point has more than ${this.#data.entryLimit} entries`, {
        fix: 'Restore parts of it: name the paths.',
      });
    }
  }

  #enter(parent: string, name: string, inSource: string): string | undefined {
    if (this.#data.dryRun) return `${parent}/${name}`;
    const outcome = enterFolder(this.#door, parent, name, this.#data.conflict);
    if ('path' in outcome) {
      if (!outcome.isNew) this.#sweep(outcome.path);
      return outcome.path;
    }
    this.#skip(inSource, outcome.refused, this.#data.conflict === 'skip');
    return undefined;
  }

  /** A file, a link or something special, into the folder `place.path`. */
  async #restoreEntry(place: { readonly path: string; readonly inSource: string }, entry: Entry, restores: FileRestores): Promise<void> {
    const name = Buffer.from(entry.name).toString('latin1');
    const inSource = place.inSource === '' ? name : place.inSource;
    const { kind } = entry;
    if (kind === 'directory') throw new RangeError('a folder is no file');
    if (kind !== 'file' && kind !== 'stream' && kind !== 'link') {
      this.#skip(inSource, specialReasons[kind], true);
      return;
    }
    const found = this.#pathFor(place.path, name);
    if ('refused' in found) {
      // What is left because `skip` says so is named, and no warning.
      this.#skip(inSource, found.refused, found.refused === nameHeld);
      return;
    }
    if (this.#data.dryRun) {
      this.#files += 1;
      this.#bytes += entry.size ?? 0;
      return;
    }
    const { path } = found;
    this.#noteExtras(entry, inSource);
    this.#plannedFiles += 1;
    const target = this.#targetOf(place.path, path, entry, inSource);
    const group = this.#groupOf(target, entry, inSource);
    if (group !== undefined && group.path !== path) {
      this.#links.push({ group, target, shown: inSource });
      return;
    }
    this.#plannedBytes += entry.kind === 'link' ? 0 : dataLengthOf(entry);
    const done = (failure: FileFailure | undefined, notes: readonly string[] = []): void => {
      this.#counters.add('files', 1);
      for (const note of notes) this.#warn(inSource, `is restored, but ${note}`);
      if (failure === undefined) {
        this.#files += 1;
        this.#bytes += entry.size ?? 0;
      } else {
        this.#fail(inSource, failure);
      }
      if (group !== undefined) group.outcome = failure ?? 'there';
    };
    const notes: string[] = [];
    const note = (what: string): void => void notes.push(what);
    if (entry.kind === 'link') done(this.#makeLink(target, entry, note), notes);
    else if (dataLengthOf(entry) === 0) done(this.#makeEmpty(target, note), notes);
    else await restores.add(target, entry, done);
  }

  /** Where an entry goes; `undefined` where it is to be left out. */
  #pathFor(folder: string, name: string): { readonly path: string } | { readonly refused: string } {
    const path = `${folder}/${name}`;
    const { conflict } = this.#data;
    if (conflict === 'refuse' || conflict === 'overwrite') return { path };
    try {
      if (isFreePath(path)) return { path };
      return conflict === 'skip' ? { refused: nameHeld } : { path: freeName(folder, name, isFreePath) };
    } catch (error) {
      return { refused: reasonFor(codeOf(error)) };
    }
  }

  /**
   * The mode of a new file or folder in `folder`: set-user-id and set-group-id bits only where its owner will be the recorded one
   * (docs/format.md, Restoring).
   */
  #modeOf(folder: string, entry: Entry, inSource: string): number {
    const { mode, owner } = entry;
    if ((mode & setIdBits) === 0 || this.#data.owners || this.#data.dryRun || entry.kind === 'link') return mode;
    const parent = statSync(rawPath(folder), { throwIfNoEntry: false });
    const gid = parent !== undefined && (parent.mode & setGroupId) !== 0 ? parent.gid : process.getegid?.();
    const kept =
      (owner?.uid === process.geteuid?.() ? mode & setUserId : 0) | (owner?.gid === gid && gid !== undefined ? mode & setGroupId : 0);
    if (kept !== (mode & setIdBits)) this.#warn(inSource, 'is restored without its set-user-id or set-group-id bit: its owner is another');
    return (mode & ~setIdBits) | kept;
  }

  #timeOf(entry: Entry, inSource: string): bigint | undefined {
    const { mtime } = entry;
    if (mtime === undefined || BigInt.asIntN(64, mtime) === mtime) return mtime;
    this.#warn(inSource, 'is restored without its time: it is further away than this system can tell');
    return undefined;
  }

  /** Names what an entry carries and this program does not restore. */
  #noteExtras(entry: Entry, inSource: string): void {
    const extras = [
      entry.extendedAttributes === undefined ? '' : 'extended attributes',
      entry.accessLists === undefined ? '' : 'access lists',
      entry.windowsAttributes === undefined ? '' : 'Windows attributes',
      entry.streams === undefined ? '' : 'further streams',
    ].filter((extra) => extra !== '');
    if (extras.length > 0) this.#warn(inSource, `is restored without its ${extras.join(', ')}`);
  }

  #targetOf(folder: string, path: string, entry: Entry, inSource: string): FileTarget {
    this.#temporaries += 1;
    const { conflict, owners } = this.#data;
    // On systems that fold case two names of a tree may be one here: the second must not silently replace the first.
    const foldsCase = process.platform === 'darwin' || process.platform === 'win32';
    return {
      temporary: `${folder}/${temporaryName(this.#data.runId, this.#temporaries)}`,
      path,
      size: entry.size ?? 0,
      mode: this.#modeOf(folder, entry, inSource),
      uid: owners ? (entry.owner?.uid ?? -1) : -1,
      gid: owners ? (entry.owner?.gid ?? -1) : -1,
      mtime: this.#timeOf(entry, inSource),
      mayReplace: conflict === 'overwrite' || (conflict === 'refuse' && !foldsCase),
    };
  }

  /** The group of an entry with several names; members of other content stand alone, and are reported. */
  #groupOf(target: FileTarget, entry: Entry, inSource: string): LinkGroup | undefined {
    if (entry.hardLinkGroup === undefined) return undefined;
    const content = fingerprintOf(entry);
    const key = String(entry.hardLinkGroup);
    const known = this.#groups.get(key);
    if (known === undefined) {
      const made: LinkGroup = { path: target.path, content, outcome: 'underWay' };
      this.#groups.set(key, made);
      return made;
    }
    if (known.content === content) return known;
    this.#report.warn(`${shown(inSource)} is restored by itself: its content is not that of the other names of its hard link.`);
    return undefined;
  }

  #makeLink(target: FileTarget, entry: Entry, note: (what: string) => void): FileFailure | undefined {
    try {
      const temporary = rawPath(this.#door.at(target.temporary));
      symlinkSync(Buffer.from(entry.linkTarget ?? []), temporary);
      try {
        const { uid, gid, mtime } = target;
        if (uid >= 0 && !isTaken(() => lchownSync(temporary, uid, gid))) note("its owner can't be restored here");
        const time = mtime === undefined ? undefined : timeArgument(mtime);
        if (time !== undefined && !isTaken(() => lutimesSync(temporary, time, time))) note("its time can't be restored here");
        renameSync(temporary, rawPath(this.#door.at(target.path)));
      } catch (error) {
        removeIfThere(this.#door, target.temporary);
        throw error;
      }
      return undefined;
    } catch (error) {
      return { reason: reasonFor(codeOf(error)), isLocal: true };
    }
  }

  /** A file without data: empty, or all hole. */
  #makeEmpty(target: FileTarget, note: (what: string) => void): FileFailure | undefined {
    try {
      const descriptor = createTemporary(this.#door, target.temporary);
      try {
        if (target.size > 0) ftruncateSync(descriptor, target.size);
        setAttributes(descriptor, target, note);
      } finally {
        closeSync(descriptor);
      }
      return giveName(this.#door, target) ? undefined : nameTaken;
    } catch (error) {
      removeIfThere(this.#door, target.temporary);
      return { reason: reasonFor(codeOf(error)), isLocal: true };
    }
  }

  #makeHardLink({ group, target, shown: inSource }: LinkToMake): void {
    this.#counters.add('files', 1);
    if (group.outcome !== 'there') {
      this.#fail(inSource, group.outcome === 'underWay' ? nameTaken : group.outcome);
      return;
    }
    try {
      using known = new FolderDoor();
      linkSync(rawPath(known.at(group.path)), rawPath(this.#door.at(target.temporary)));
      if (giveName(this.#door, target)) {
        // Renaming one name of a file over another of the same file does nothing and leaves both.
        removeIfThere(this.#door, target.temporary);
        this.#files += 1;
      } else {
        this.#fail(inSource, nameTaken);
      }
    } catch (error) {
      removeIfThere(this.#door, target.temporary);
      this.#fail(inSource, { reason: `its hard link can't be made: ${reasonFor(codeOf(error))}`, isLocal: true });
    }
  }

  #folderToFinish(path: string, inSource: string, entry: Entry): FolderToFinish {
    const { owners } = this.#data;
    this.#noteExtras(entry, inSource);
    const folder = path.slice(0, Math.max(1, path.lastIndexOf('/')));
    const uid = owners ? (entry.owner?.uid ?? -1) : -1;
    const gid = owners ? (entry.owner?.gid ?? -1) : -1;
    return { path, shown: inSource, mode: this.#modeOf(folder, entry, inSource), mtime: this.#timeOf(entry, inSource), uid, gid };
  }

  /** Owners, modes and times of folders, deepest first: what is made inside changes the time, and a mode may shut the door. */
  #finishFolders(): void {
    if (this.#data.dryRun) return;
    for (let folder = this.#finish.pop(); folder !== undefined; folder = this.#finish.pop()) {
      try {
        const descriptor = openFolder(folder.path);
        try {
          setAttributes(descriptor, folder, (what) => this.#warn(folder.shown, `is restored, but ${what}`));
        } finally {
          closeSync(descriptor);
        }
      } catch (error) {
        this.#report.warn(`${shown(folder.shown)}: mode and times of this folder can't be set: ${reasonFor(codeOf(error))}.`);
      }
    }
  }

  #fail(inSource: string, { reason, isLocal }: FileFailure): void {
    if (isLocal) this.#skip(inSource, reason);
    else this.#report.damage(shown(inSource), reason);
  }

  #warn(inSource: string, what: string): void {
    this.#report.warn(`${inSource === '' ? '.' : shown(inSource)} ${what}.`);
  }

  #skip(inSource: string, reason: string, special = false): void {
    this.#report.skip(shown(inSource), reason, special);
  }
}

/** What says that two names hold the same data: kind and the records 81 to 84 and 87 to 89 (docs/format.md, Hard links). */
function fingerprintOf(entry: Entry): string {
  const { kind, content, size, extents, linkTarget, device, streams = [] } = entry;
  return JSON.stringify([
    kind,
    size,
    contentName(content),
    extents?.map(({ offset, length }) => [offset, length]),
    linkTarget === undefined ? null : hexOf(linkTarget),
    device,
    streams.map((stream) => [hexOf(stream.name), stream.size, contentName(stream.content)]),
  ]);
}

function contentName(content: FileContent | undefined): string | null {
  if (content === undefined) return null;
  return content.form === 'ids' ? hexOf(content.ids) : `${hexOf(content.id)}/${content.level}/${content.chunks}`;
}

/** Whether an error speaks of stored bytes, so that the rest can go on. */
function isAboutOneObject(error: unknown): error is HoldfastError {
  return HoldfastError.is(error, 'damaged', 'tampered', 'objectMissing', 'unsupportedFormat', 'wrongSecret', 'storeFailed');
}

function shown(path: string): string {
  return displayPath(Buffer.from(path, 'latin1'));
}
