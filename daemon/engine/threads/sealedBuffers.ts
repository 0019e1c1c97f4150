import { type RunControl } from './runMemory.ts';
import { RunStopped } from './mailbox.ts';

/** Stored bytes of a full pack. */
export const sealedBufferLength: number = 32 * 1024 * 1024;

/** Memory for packs on their way into the store, shared by all threads of a run: their number bounds what is in flight. */
export interface SealedBufferMemory {
  readonly buffers: readonly SharedArrayBuffer[];
  /** Int32 for each buffer: 0 free, 1 in use. */
  readonly states: SharedArrayBuffer;
}

export function newSealedBuffers(count: number): SealedBufferMemory {
  return {
    buffers: Array.from({ length: count }, () => new SharedArrayBuffer(sealedBufferLength)),
    states: new SharedArrayBuffer(count * 4),
  };
}

/** Takes and gives back buffers. A thread that finds none free waits: that is all the back-pressure there is. */
export class SealedBuffers {
  readonly #memory: SealedBufferMemory;
  readonly #states: Int32Array;
  readonly #control: RunControl;

  constructor(memory: SealedBufferMemory, control: RunControl) {
    this.#memory = memory;
    this.#states = new Int32Array(memory.states);
    this.#control = control;
  }

  /** Blocks until a buffer is free and returns its number. Throws `RunStopped`. */
  take(): number {
    for (;;) {
      const seen = this.#control.bufferBell();
      if (this.#control.isStopped) throw new RunStopped();
      for (let number = 0; number < this.#memory.buffers.length; number += 1) {
        if (Atomics.compareExchange(this.#states, number, 0, 1) === 0) return number;
      }
      this.#control.waitForBuffer(seen, 500);
    }
  }

  bytes(number: number): Buffer {
    const buffer = this.#memory.buffers[number];
    if (buffer === undefined) throw new RangeError(`no sealed buffer ${number}`);
    return Buffer.from(buffer);
  }

  release(number: number): void {
    Atomics.store(this.#states, number, 0);
    this.#control.wakeBufferWaiters();
  }
}
