/**
 * The small shared memory of one run, through which its threads see cancelling, wake each other and count. Everything here can be handed to
 * a worker thread as it is.
 */
export interface RunMemory {
  /** Int32: 0 stop flag, 1 doorbell of free buffers, then a doorbell for each thread. */
  readonly control: SharedArrayBuffer;
  /** Float64, `counterNames` for each thread; each row is written by its own thread alone. */
  readonly counters: SharedArrayBuffer;
}

const stopAt = 0;
const firstBell = 2;
export const bufferBell = 1;

export const counterNames = ['files', 'bytes', 'readBytes', 'dedupBytes', 'writtenBytes'] as const;
export type CounterName = (typeof counterNames)[number];

export function newRunMemory(threads: number): RunMemory {
  return {
    control: new SharedArrayBuffer((firstBell + threads) * 4),
    counters: new SharedArrayBuffer(threads * counterNames.length * 8),
  };
}

/** Where a run's threads ask whether to go on, and wait for each other. Thread 0 is the one that leads. */
export class RunControl {
  readonly #words: Int32Array;

  constructor(memory: RunMemory) {
    this.#words = new Int32Array(memory.control);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#words, stopAt) !== 0;
  }

  /** Ends every synchronous loop of the run at its next look, and wakes all that wait. */
  stop(): void {
    Atomics.store(this.#words, stopAt, 1);
    for (let bell = 1; bell < this.#words.length; bell += 1) this.#ring(bell);
  }

  wakeThread(thread: number): void {
    this.#ring(firstBell + thread);
  }

  wakeBufferWaiters(): void {
    this.#ring(bufferBell);
  }

  /** What a bell stands at; hand it to `wait…` so that no ring between the two is missed. */
  threadBell(thread: number): number {
    return Atomics.load(this.#words, firstBell + thread);
  }

  bufferBell(): number {
    return Atomics.load(this.#words, bufferBell);
  }

  /** Blocks the calling worker thread until its bell rings after `seen`, or the time is over. */
  waitForThread(thread: number, seen: number, milliseconds: number): void {
    Atomics.wait(this.#words, firstBell + thread, seen, milliseconds);
  }

  waitForBuffer(seen: number, milliseconds: number): void {
    Atomics.wait(this.#words, bufferBell, seen, milliseconds);
  }

  #ring(bell: number): void {
    Atomics.add(this.#words, bell, 1);
    Atomics.notify(this.#words, bell);
  }
}

/** One thread's counters. */
export class RunCounters {
  readonly #values: Float64Array;

  constructor(memory: RunMemory, thread: number) {
    const width = counterNames.length;
    this.#values = new Float64Array(memory.counters, thread * width * 8, width);
  }

  add(name: CounterName, amount: number): void {
    const at = counterNames.indexOf(name);
    this.#values[at] = (this.#values[at] ?? 0) + amount;
  }
}

/** Sums over all threads. */
export function sumCounters(memory: RunMemory): Readonly<Record<CounterName, number>> {
  const values = new Float64Array(memory.counters);
  const sums: Record<CounterName, number> = { files: 0, bytes: 0, readBytes: 0, dedupBytes: 0, writtenBytes: 0 };
  for (const [at, value] of values.entries()) {
    const name = counterNames[at % counterNames.length];
    if (name !== undefined) sums[name] += value;
  }
  return sums;
}
