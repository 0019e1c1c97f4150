import { closeSync, ftruncateSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { KeyObject } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import { useBlock } from '../../repository/blockCodec.ts';
import { chunkIdOf } from '../../repository/chunkId.ts';
import { keySourceOf, type PolicyKeySource } from '../../repository/keySource.ts';
import { packRowKey } from '../../repository/packReader.ts';
import type { PolicyKeys } from '../../repository/policyKeys.ts';
import { openRange, planRange } from '../../repository/segments.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { RunControl, RunCounters } from '../threads/runMemory.ts';
import { hashStateLength, ShortLivedMemory } from '../threads/shortLivedMemory.ts';
import { createTemporary, giveName, openTemporary, removeIfThere, setAttributes } from './fileFinish.ts';
import { FolderDoor } from './folderDoor.ts';
import type { FailedPart, PackJob, RestoreWorkerData, WorkDone, WorkOrder } from './messages.ts';
import { type BlockToPlace, type ChunkToPlace, decodeBlocks, type Place } from './packJobCodec.ts';
import { endOf } from './jobMaker.ts';
import { PrivateFolders } from './privateFolders.ts';
import { reasonFor } from './targetFolders.ts';

/** The most that a fetch brings, opened. */
const openedLength = 9 * 1024 * 1024;
/** About what a handle of zlib takes until it is collected. */
const codecHandleLength = 8192;
/** What stops a whole restore, not one file. */
const fatalCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

/** A restore worker: opens fetched ranges, checks each chunk's id and writes it to all its places. */
export function runRestoreWorker(data: RestoreWorkerData): void {
  const main = parentPort;
  if (main === null) throw new Error('A restore worker runs in a worker thread.');
  const worker = new RangeWriter(data);
  main.on('message', (order: WorkOrder | null) => {
    if (order === null) main.close();
    else main.postMessage(worker.work(order), []);
  });
}

interface PackKeys {
  readonly keys: PolicyKeys;
  readonly key: KeyObject;
}

interface OpenedBlock {
  readonly opened: Buffer;
  readonly keys: PolicyKeys;
}

class RangeWriter {
  readonly #data: RestoreWorkerData;
  readonly #control: RunControl;
  readonly #counters: RunCounters;
  readonly #keySource: PolicyKeySource;
  readonly #opened: Buffer = Buffer.allocUnsafeSlow(openedLength);
  readonly #shortLived: ShortLivedMemory = new ShortLivedMemory();
  readonly #private: PrivateFolders = new PrivateFolders();
  /** Of the job in hand. */
  #notes: { readonly file: number; readonly what: string }[] = [];

  constructor(data: RestoreWorkerData) {
    this.#data = data;
    this.#control = new RunControl(data.memory);
    this.#counters = new RunCounters(data.memory, data.thread);
    this.#keySource = keySourceOf(...data.keys);
  }

  work({ job, fetched, reason }: WorkOrder): WorkDone {
    const failed: FailedPart[] = [];
    this.#notes = [];
    using door = new FolderDoor(this.#private);
    using files = new OpenFiles(door);
    try {
      const candidates = this.#candidates(job);
      if (fetched === null || candidates.length === 0) {
        const cause = fetched === null ? reason : 'its keys are not held';
        for (const block of decodeBlocks(job.blocks)) failAll(block, cause, failed);
      } else {
        this.#placeAll(job, fetched, candidates, files, failed);
      }
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined) throw error;
      return { id: job.id, failed, notes: this.#notes, fatal: code };
    }
    return { id: job.id, failed, notes: this.#notes, fatal: null };
  }

  /** Where an epoch has several master keys, the tags decide. */
  #candidates({ pack }: PackJob): readonly PackKeys[] {
    const sets = this.#keySource.allOfEpoch(pack.keyEpoch, pack.keyGeneration);
    return sets.map((keys) => ({ keys, key: packRowKey(this.#data.header, keys, pack) }));
  }

  #placeAll(job: PackJob, fetched: Uint8Array, candidates: readonly PackKeys[], files: OpenFiles, failed: FailedPart[]): void {
    const blocks = [...decodeBlocks(job.blocks)];
    const first = blocks[0];
    if (first === undefined) return;
    const length = endOf(blocks) - first.offset;
    const whole = firstOf(candidates, ({ key, keys }) => {
      const opened = this.#tryOpen(job, key, fetched, first.offset, length);
      return opened === undefined ? undefined : { opened, keys };
    });
    for (const block of blocks) {
      if (this.#control.isStopped) return;
      try {
        const { opened: stored, keys } =
          whole === undefined
            ? this.#openAlone(job, candidates, fetched, block)
            : { ...whole, opened: whole.opened.subarray(block.offset - first.offset, block.offset - first.offset + block.storedLength) };
        useBlock(stored, block.codec, block.rawLength, 'a block', (raw) => {
          for (const chunk of block.chunks) this.#placeChunk(chunk, raw, keys, files, failed);
        });
        if (block.codec === 'zstd') this.#shortLived.noteHeld(codecHandleLength);
        this.#shortLived.note(block.chunks.length * hashStateLength);
      } catch (error) {
        if (!HoldfastError.is(error)) throw error;
        this.#shortLived.noteHeld(block.rawLength);
        failAll(block, error.reason, failed);
      }
    }
  }

  /** The whole range, or `undefined` where a segment of it is not authentic: then each block is tried by itself. */
  #tryOpen(job: PackJob, key: KeyObject, fetched: Uint8Array, offset: number, length: number): Buffer | undefined {
    try {
      const plan = planRange(job.pack.storedLength, offset, length, 'a pack');
      return openRange(key, plan, fetched, 'a pack', fetched.length <= openedLength ? this.#opened : undefined);
    } catch (error) {
      if (!HoldfastError.is(error)) throw error;
      return undefined;
    }
  }

  #openAlone(job: PackJob, candidates: readonly PackKeys[], fetched: Uint8Array, block: BlockToPlace): OpenedBlock {
    const plan = planRange(job.pack.storedLength, block.offset, block.storedLength, 'a pack');
    const from = plan.storedOffset - job.fetch.offset;
    const sealed = fetched.subarray(from, from + plan.storedLength);
    let failure: unknown;
    for (const { key, keys } of candidates) {
      try {
        return { opened: openRange(key, plan, sealed, 'a pack'), keys };
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  }

  #placeChunk(chunk: ChunkToPlace, raw: Buffer, keys: PolicyKeys, files: OpenFiles, failed: FailedPart[]): void {
    const bytes = raw.subarray(chunk.offsetInRaw, chunk.offsetInRaw + chunk.length);
    if (bytes.length !== chunk.length || !chunkIdOf(keys.idData, bytes).equals(chunk.id)) {
      for (const { file, part } of chunk.places) failed.push({ file, part, reason: 'its stored data is damaged: a chunk has other bytes' });
      return;
    }
    for (const place of chunk.places) this.#place(place, bytes, files, failed);
  }

  #place(place: Place, bytes: Buffer, files: OpenFiles, failed: FailedPart[]): void {
    try {
      if (place.isWhole) writeWhole(files.door, place, bytes, (what) => this.#notes.push({ file: place.file, what }));
      else writePieces(files.get(place), place, bytes);
      this.#counters.add('bytes', bytes.length);
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined || fatalCodes.has(code)) throw error;
      failed.push({ file: place.file, part: place.part, reason: reasonFor(code), isLocal: true });
    }
  }
}

function firstOf<Item, Result>(items: readonly Item[], attempt: (item: Item) => Result | undefined): Result | undefined {
  for (const item of items) {
    const result = attempt(item);
    if (result !== undefined) return result;
  }
  return undefined;
}

/** Makes, fills and finishes a file of one chunk. */
function writeWhole(door: FolderDoor, place: Place, bytes: Buffer, note: (what: string) => void): void {
  const { target } = place;
  const descriptor = createTemporary(door, target.temporary);
  let isWritten = false;
  try {
    writePieces(descriptor, place, bytes);
    if (target.size > bytes.length) ftruncateSync(descriptor, target.size);
    setAttributes(descriptor, target, note, door.givesTo(target.temporary, target.uid, target.gid));
    isWritten = true;
  } finally {
    closeSync(descriptor);
    if (!isWritten) removeIfThere(door, target.temporary);
  }
  if (!giveName(door, target)) throw taken();
}

function writePieces(descriptor: number, place: Place, bytes: Buffer): void {
  let at = 0;
  for (const { offset, length } of place.pieces) {
    const end = at + length;
    for (let position = offset; at < end; ) {
      const written = writeSync(descriptor, bytes, at, end - at, position);
      at += written;
      position += written;
    }
  }
}

/** As the system would say it. */
function taken(): Error {
  return Object.assign(new Error('The name was taken.'), { code: 'EEXIST', syscall: 'link' });
}

function failAll(block: BlockToPlace, cause: string, failed: FailedPart[]): void {
  for (const chunk of block.chunks) {
    for (const { file, part } of chunk.places) failed.push({ file, part, reason: `its stored data is damaged: ${cause}` });
  }
}

/** Files of many chunks that a job writes to, open for its duration. */
class OpenFiles implements Disposable {
  readonly door: FolderDoor;
  readonly #descriptors = new Map<number, number>();

  /** `door` stays the caller's. */
  constructor(door: FolderDoor) {
    this.door = door;
  }

  get(place: Place): number {
    const known = this.#descriptors.get(place.file);
    if (known !== undefined) return known;
    if (this.#descriptors.size >= 256) this[Symbol.dispose]();
    const descriptor = openTemporary(this.door, place.target.temporary);
    this.#descriptors.set(place.file, descriptor);
    return descriptor;
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    this.#descriptors.clear();
  }
}
