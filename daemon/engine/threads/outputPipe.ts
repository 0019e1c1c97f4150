import { RunStopped } from './mailbox.ts';
import type { RunControl } from './runMemory.ts';

/** Bytes between the thread that hears a command and the one that stores what it says: so much is on its way, and no more. */
export const outputPipeLength: number = 4 * 1024 * 1024;

/** A ring of bytes in shared memory, with one writer that never waits and one reader that does. */
export interface OutputPipeMemory {
  readonly bytes: SharedArrayBuffer;
  /** Int32, see below. */
  readonly words: SharedArrayBuffer;
}

/** Counts of bytes ever written and taken, modulo 2^32. */
const writtenAt = 0;
const takenAt = 1;
const endAt = 2;
/** Rings with every write and with the end. */
const bellAt = 3;
/** The writer found too little room and asks to hear of more. */
const wantsRoomAt = 4;
const wordCount = 5;

const endings = ['open', 'whole', 'givenUp'] as const;
export type OutputEnding = (typeof endings)[number];

export function newOutputPipe(length: number = outputPipeLength): OutputPipeMemory {
  return { bytes: new SharedArrayBuffer(length), words: new SharedArrayBuffer(wordCount * 4) };
}

function usedBytes(words: Int32Array): number {
  return (Atomics.load(words, writtenAt) - Atomics.load(words, takenAt)) >>> 0;
}

/** The writer's end. */
export class OutputPipeWriter {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;

  constructor({ bytes, words }: OutputPipeMemory) {
    this.#bytes = new Uint8Array(bytes);
    this.#words = new Int32Array(words);
  }

  /** Puts in what there is room for, and returns how much that was. Less than all: the reader tells when there is room again. */
  write(piece: Uint8Array): number {
    let at = this.#fill(piece);
    if (at === piece.length) return at;
    Atomics.store(this.#words, wantsRoomAt, 1);
    // The reader may have made room before it could see that anybody waits for it.
    at += this.#fill(piece.subarray(at));
    return at;
  }

  /** Nothing more comes. */
  end(ending: Exclude<OutputEnding, 'open'>): void {
    Atomics.store(this.#words, endAt, endings.indexOf(ending));
    this.#ring();
  }

  #fill(piece: Uint8Array): number {
    const { length } = this.#bytes;
    const count = Math.min(piece.length, length - usedBytes(this.#words));
    const start = (Atomics.load(this.#words, writtenAt) >>> 0) % length;
    const first = Math.min(count, length - start);
    this.#bytes.set(piece.subarray(0, first), start);
    this.#bytes.set(piece.subarray(first, count), 0);
    Atomics.add(this.#words, writtenAt, count);
    if (count > 0) this.#ring();
    return count;
  }

  #ring(): void {
    Atomics.add(this.#words, bellAt, 1);
    Atomics.notify(this.#words, bellAt);
  }
}

/** The reader's end. */
export class OutputPipeReader {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #control: Pick<RunControl, 'isStopped'>;
  readonly #tellRoom: () => void;

  /** `tellRoom` wakes a writer that asked for it. */
  constructor({ bytes, words }: OutputPipeMemory, control: Pick<RunControl, 'isStopped'>, tellRoom: () => void) {
    this.#bytes = new Uint8Array(bytes);
    this.#words = new Int32Array(words);
    this.#control = control;
    this.#tellRoom = tellRoom;
  }

  /**
   * Waits for bytes and copies as many as fit into what `room` gives; it is asked for at most `most`. Returns their number, or the ending where no
   * more come. An output that was given up ends at once, whatever lies in the pipe. Throws `RunStopped`.
   */
  take(most: number, room: (length: number) => Uint8Array): number | Exclude<OutputEnding, 'open'> {
    for (;;) {
      const bell = Atomics.load(this.#words, bellAt);
      if (this.#control.isStopped) throw new RunStopped();
      const ending = endings[Atomics.load(this.#words, endAt)];
      if (ending === 'givenUp') return ending;
      const used = usedBytes(this.#words);
      if (used > 0) return this.#copy(Math.min(used, most), room);
      if (ending === 'whole') return ending;
      Atomics.wait(this.#words, bellAt, bell, 500);
    }
  }

  #copy(count: number, room: (length: number) => Uint8Array): number {
    const { length } = this.#bytes;
    const start = (Atomics.load(this.#words, takenAt) >>> 0) % length;
    // In one piece, as it lies in the ring.
    const piece = this.#bytes.subarray(start, Math.min(start + count, length));
    room(piece.length).set(piece);
    Atomics.add(this.#words, takenAt, piece.length);
    if (usedBytes(this.#words) <= length / 2 && Atomics.exchange(this.#words, wantsRoomAt, 0) === 1) this.#tellRoom();
    return piece.length;
  }
}
