import { closeSync, ftruncateSync } from 'node:fs';
import type { ChunkLocation, IndexSet } from '../../repository/indexSet.ts';
import { dataLengthOf, type Entry } from '../../repository/entry.ts';
import { chunksOf, type FileChunk, namedChunks } from '../../repository/fileReader.ts';
import type { ReadChunk } from '../../repository/treeReader.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { createTemporary, giveName, openTemporary, removeIfThere, setAttributes } from './fileFinish.ts';
import type { FolderDoor } from './folderDoor.ts';
import { JobMaker, type PlannedPlace, type UnnumberedJob } from './jobMaker.ts';
import type { FailedPart, PackJob, WorkDone } from './messages.ts';
import type { FileTarget } from './packJobCodec.ts';
import { codeOf, reasonFor } from './targetFolders.ts';

/** Jobs are made when so much is collected: enough for neighbours in a pack to meet, little enough for memory. */
const placesPerWave = 16_384;
const bytesPerWave = 64 * 1024 * 1024;
/** The first wave is by so much smaller, and each is twice the one before: reading begins early. */
const firstWavePart = 32;
/** Jobs under way at once; the planner waits beyond it. */
const jobsAtOnce = 24;

/** Stored bytes of a block: 8 MiB, and what compressing in vain may add. */
const longestBlock = 8.5 * 1024 * 1024;

interface OpenFile {
  readonly target: FileTarget;
  readonly done: FileDone;
  isWhole: boolean;
  isCreated: boolean;
  /** Parts planned and not back yet; planning itself counts as one. */
  left: number;
  failure: FileFailure | undefined;
  /** What of it could not be restored, although it is there. */
  readonly notes: string[];
}

/** Why a file is not there. */
export interface FileFailure {
  readonly reason: string;
  /** The target would not take it; what is stored may well be good. */
  readonly isLocal: boolean;
}

export type FileDone = (failure: FileFailure | undefined, notes: readonly string[]) => void;

/**
 * Brings files back: finds the places of their chunks, hands out jobs, follows what became of each part, tries other copies, and gives complete
 * files their names. A file that can't be completed leaves nothing behind.
 */
export class FileRestores {
  readonly #indexes: IndexSet;
  readonly #readChunk: ReadChunk;
  readonly #send: (jobs: readonly PackJob[]) => void;
  readonly #door: FolderDoor;
  readonly #maker: JobMaker;
  readonly #files = new Map<number, OpenFile>();
  readonly #jobs = new Map<number, readonly PlannedPlace[]>();
  #nextFile = 0;
  #nextJob = 0;
  #waves = 0;
  #turn: PromiseWithResolvers<void> = Promise.withResolvers();
  #stopped: Error | undefined;

  /** `door` stays the caller's. */
  constructor(
    indexes: IndexSet,
    readChunk: ReadChunk,
    keyOf: (location: ChunkLocation) => string,
    send: (jobs: readonly PackJob[]) => void,
    door: FolderDoor,
  ) {
    this.#door = door;
    this.#indexes = indexes;
    this.#readChunk = readChunk;
    this.#send = send;
    this.#maker = new JobMaker(keyOf);
  }

  /** Plans a file with data. `done` hears of its end, with what was wrong if it is not there. May wait. */
  async add(target: FileTarget, entry: Entry, done: FileDone): Promise<void> {
    const number = this.#nextFile;
    this.#nextFile += 1;
    const file: OpenFile = { target, done, isWhole: false, isCreated: false, left: 1, failure: undefined, notes: [] };
    this.#files.set(number, file);
    try {
      await this.#plan(number, file, entry);
    } catch (error) {
      if (!HoldfastError.is(error) || this.#stopped !== undefined) throw error;
      file.failure ??= { reason: error.reason, isLocal: error.code === 'diskFailed' };
    }
    this.#partDone(number, file);
    if (this.#isWaveFull()) await this.#sendWaveInTurn();
  }

  /** Sends what is collected, and resolves when no more is under way than may be. */
  async #sendWaveInTurn(): Promise<void> {
    this.#sendWave();
    while (this.#jobs.size > jobsAtOnce) await this.#nextTurn();
  }

  /** Sends what is collected, and resolves when nothing is under way. */
  async drain(): Promise<void> {
    this.#sendWave();
    while (this.#jobs.size > 0) await this.#nextTurn();
  }

  jobDone({ id, failed, notes }: WorkDone): void {
    const places = this.#jobs.get(id);
    if (places === undefined) return;
    this.#jobs.delete(id);
    for (const { file, what } of notes) this.#files.get(file)?.notes.push(what);
    const failures = new Map<string, FailedPart>(failed.map((part) => [`${part.file}/${part.part}`, part]));
    for (const place of places) {
      const failure = failures.size === 0 ? undefined : failures.get(`${place.file}/${place.part}`);
      const file = this.#files.get(place.file);
      if (file === undefined) continue;
      if (failure !== undefined && this.#tryElsewhere(place, failure)) continue;
      if (failure !== undefined) file.failure ??= { reason: failure.reason, isLocal: failure.isLocal === true };
      this.#partDone(place.file, file);
    }
    this.#turn.resolve();
    this.#turn = Promise.withResolvers();
  }

  /** Ends all waiting with `error`, and removes the files that are not complete. */
  stop(error: Error): void {
    this.#stopped = error;
    for (const { isCreated, target } of this.#files.values()) if (isCreated) removeIfThere(this.#door, target.temporary);
    this.#files.clear();
    this.#turn.resolve();
  }

  async #nextTurn(): Promise<void> {
    this.#throwIfStopped();
    await this.#turn.promise;
    this.#throwIfStopped();
  }

  #throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  async #plan(number: number, file: OpenFile, entry: Entry): Promise<void> {
    const dataLength = dataLengthOf(entry);
    const extents = entry.extents ?? [{ offset: 0, length: dataLength }];
    const cursor = new ExtentCursor(extents);
    let at = 0;
    let part = 0;
    let waiting: { readonly id: Uint8Array; readonly location: ChunkLocation } | undefined;
    const addPart = (id: Uint8Array, location: ChunkLocation, isWhole: boolean): void => {
      this.#maker.add({ file: number, part, pieces: cursor.take(location.length), isWhole, target: file.target, id, location });
      part += 1;
      file.left += 1;
    };
    const planChunk = (chunk: FileChunk): void => {
      const location = this.#firstLocation(chunk.id);
      if (location === undefined) throw missing();
      at += location.length;
      if (at > dataLength || (chunk.length !== undefined && chunk.length !== location.length)) throw wrongLength(dataLength);
      const id = new Uint8Array(chunk.id);
      if (waiting === undefined && part === 0 && !file.isCreated) {
        waiting = { id, location };
        return;
      }
      if (waiting !== undefined) {
        this.#create(file);
        addPart(waiting.id, waiting.location, false);
        waiting = undefined;
      }
      addPart(id, location, false);
    };
    const { content } = entry;
    if (content?.form === 'ids') {
      // Nearly every file names one chunk by itself: to wait for it would cost more than all the rest.
      for (const chunk of namedChunks(content.ids)) {
        planChunk(chunk);
        if (this.#isWaveFull()) await this.#sendWaveInTurn();
      }
    } else {
      for await (const chunk of chunksOf(content, this.#readChunk)) {
        planChunk(chunk);
        if (this.#isWaveFull()) await this.#sendWaveInTurn();
      }
    }
    if (at !== dataLength) throw wrongLength(dataLength);
    if (waiting !== undefined) {
      file.isWhole = true;
      addPart(waiting.id, waiting.location, true);
    }
  }

  /** Makes the temporary file of one that several jobs write to. */
  #create(file: OpenFile): void {
    this.#throwIfStopped();
    try {
      const descriptor = createTemporary(this.#door, file.target.temporary);
      file.isCreated = true;
      try {
        ftruncateSync(descriptor, file.target.size);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      throw HoldfastError.failedTo('diskFailed', 'write a file', reasonFor(codeOf(error)), { cause: error });
    }
  }

  #firstLocation(id: Uint8Array): ChunkLocation | undefined {
    for (const location of this.#locations(id)) return location;
    return undefined;
  }

  /** The copies of a chunk, but for those in blocks that claim to be longer than any encoder makes them: they would not fit into memory. */
  *#locations(id: Uint8Array): Generator<ChunkLocation> {
    for (const location of this.#indexes.locations(id, 'data')) if (location.block.storedLength <= longestBlock) yield location;
  }

  /** Sends the part again to the next copy of its chunk, if there is one. */
  #tryElsewhere(place: PlannedPlace, failure: FailedPart): boolean {
    if (failure.isLocal === true || this.#stopped !== undefined) return false;
    let isBehind = false;
    for (const location of this.#locations(place.id)) {
      const isSame = location.index === place.location.index && location.blockNumber === place.location.blockNumber;
      if (isBehind && location.length === place.location.length) {
        const retry = new JobMaker(this.#maker.keyOf);
        retry.add({ ...place, location });
        this.#sendJobs(retry.take());
        return true;
      }
      isBehind ||= isSame;
    }
    return false;
  }

  #isWaveFull(): boolean {
    const part = Math.max(1, firstWavePart / 2 ** this.#waves);
    return this.#maker.places >= placesPerWave / part || this.#maker.bytes >= bytesPerWave / part;
  }

  #sendWave(): void {
    this.#waves += 1;
    this.#sendJobs(this.#maker.take());
  }

  #sendJobs(unnumbered: readonly UnnumberedJob[]): void {
    const jobs = unnumbered.map(({ places, ...job }): PackJob => {
      const id = this.#nextJob;
      this.#nextJob += 1;
      this.#jobs.set(id, places);
      return { id, ...job };
    });
    if (jobs.length > 0) this.#send(jobs);
  }

  #partDone(number: number, file: OpenFile): void {
    file.left -= 1;
    if (file.left > 0) return;
    this.#files.delete(number);
    // A file of one chunk was finished by the worker that wrote it.
    const failure = file.isWhole ? file.failure : (file.failure ?? finish(this.#door, file));
    if (failure !== undefined && file.isCreated) removeIfThere(this.#door, file.target.temporary);
    file.done(failure, file.notes);
  }
}

/** Sets the attributes of a complete file and gives it its name; says what was wrong if that could not be. */
function finish(door: FolderDoor, file: OpenFile): FileFailure | undefined {
  const { target } = file;
  try {
    const descriptor = openTemporary(door, target.temporary);
    try {
      setAttributes(descriptor, target, (what) => file.notes.push(what));
    } finally {
      closeSync(descriptor);
    }
    return giveName(door, target) ? undefined : nameTaken;
  } catch (error) {
    return { reason: reasonFor(codeOf(error)), isLocal: true };
  }
}

export const nameTaken: FileFailure = { reason: 'something else has taken its name meanwhile', isLocal: true };

/** Maps the data of a file, in order, to where it lies in the file. */
class ExtentCursor {
  readonly #extents: readonly { readonly offset: number; readonly length: number }[];
  #extent = 0;
  #used = 0;

  constructor(extents: readonly { readonly offset: number; readonly length: number }[]) {
    this.#extents = extents;
  }

  take(length: number): { readonly offset: number; readonly length: number }[] {
    const pieces: { readonly offset: number; readonly length: number }[] = [];
    for (let left = length; left > 0; ) {
      const extent = this.#extents[this.#extent];
      if (extent === undefined) throw new RangeError('more data than extents');
      const piece = Math.min(left, extent.length - this.#used);
      pieces.push({ offset: extent.offset + this.#used, length: piece });
      left -= piece;
      this.#used += piece;
      if (this.#used === extent.length) {
        this.#extent += 1;
        this.#used = 0;
      }
    }
    return pieces;
  }
}

function missing(): HoldfastError {
  return HoldfastError.failedTo('objectMissing', 'read a file', 'its stored data is missing: no index names one of its chunks');
}

function wrongLength(length: number): HoldfastError {
  return HoldfastError.failedTo('damaged', 'read a file', `its stored data is damaged: its chunks do not make its ${length} bytes`);
}
