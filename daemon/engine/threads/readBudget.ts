import { nextRelease } from '../../../protocol/pace.ts';
import { RunStopped } from './mailbox.ts';
import type { RunControl } from './runMemory.ts';

/** Bytes a second that the reading threads of a run share. */
export interface ReadBudgetMemory {
  readonly bytesPerSecond: number;
  /** BigInt64: until when the bytes so far are paid for, in nanoseconds of the system's monotonic clock, which all threads see alike. */
  readonly paidUntil: SharedArrayBuffer;
}

export function newReadBudget(bytesPerSecond: number): ReadBudgetMemory {
  return { bytesPerSecond, paidUntil: new SharedArrayBuffer(8) };
}

/** What a thread waits with: its own bell, which rings when the run is stopped. */
export type BudgetControl = Pick<RunControl, 'isStopped' | 'threadBell' | 'waitForThread'>;

const nanosecondsPerMillisecond = 1e6;

/** One thread's way to the budget. */
export class ReadBudget {
  readonly #memory: ReadBudgetMemory;
  readonly #paidUntil: BigInt64Array;
  readonly #control: BudgetControl;
  readonly #thread: number;
  readonly #now: () => bigint;

  constructor(memory: ReadBudgetMemory, control: BudgetControl, thread: number, now: () => bigint = () => process.hrtime.bigint()) {
    this.#memory = memory;
    this.#paidUntil = new BigInt64Array(memory.paidUntil);
    this.#control = control;
    this.#thread = thread;
    this.#now = now;
  }

  /** Blocks until so many bytes may be read. Throws `RunStopped`. */
  take(bytes: number): void {
    const releaseAt = this.#reserve(bytes);
    for (;;) {
      const seen = this.#control.threadBell(this.#thread);
      if (this.#control.isStopped) throw new RunStopped();
      const left = releaseAt - milliseconds(this.#now());
      if (left <= 0) return;
      this.#control.waitForThread(this.#thread, seen, left);
    }
  }

  /** When they may go, in milliseconds. */
  #reserve(bytes: number): number {
    for (;;) {
      const before = Atomics.load(this.#paidUntil, 0);
      const now = milliseconds(this.#now());
      const { wait, paidUntil } = nextRelease(milliseconds(before), now, bytes, this.#memory.bytesPerSecond);
      const after = BigInt(Math.round(paidUntil * nanosecondsPerMillisecond));
      if (Atomics.compareExchange(this.#paidUntil, 0, before, after) === before) return now + wait;
    }
  }
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / nanosecondsPerMillisecond;
}
