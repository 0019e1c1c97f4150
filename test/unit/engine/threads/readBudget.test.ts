import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { RunStopped } from '../../../../daemon/engine/threads/mailbox.ts';
import { type BudgetControl, newReadBudget, ReadBudget } from '../../../../daemon/engine/threads/readBudget.ts';

/** A clock that only waiting moves, as all threads of a run see it. */
class Machine {
  now = 5_000_000_000n;
  isStopped = false;
  waits = 0;
  /** How much of a wait passes before the bell rings for something else. */
  part = 1;

  control(): BudgetControl {
    return {
      isStopped: false,
      threadBell: () => 0,
      waitForThread: (_thread, _seen, milliseconds) => {
        this.waits += 1;
        this.now += BigInt(Math.ceil(milliseconds * 1e6 * this.part));
      },
    };
  }
}

describe('read budget', () => {
  it('is shared: threads together read no more than the limit, a tenth of a second and one piece', () => {
    const turn = fc.record({ thread: fc.integer({ min: 0, max: 3 }), bytes: fc.integer({ min: 0, max: 262_144 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 50_000_000 }), fc.array(turn, { maxLength: 60 }), (rate, turns) => {
        const machine = new Machine();
        const memory = newReadBudget(rate);
        const budgets = Array.from({ length: 4 }, (_value, thread) => new ReadBudget(memory, machine.control(), thread, () => machine.now));
        const started = machine.now;
        let sum = 0;
        for (const { thread, bytes } of turns) {
          budgets[thread]?.take(bytes);
          sum += bytes;
          const seconds = Number(machine.now - started) / 1e9;
          const most = rate * (seconds + 0.1) + 262_144;
          assert.ok(sum <= most * (1 + 1e-6) + 1, `${sum} > ${most}`);
        }
      }),
    );
  });

  it('waits its whole time, however often it is woken for something else', () => {
    const machine = new Machine();
    machine.part = 0.5;
    const budget = new ReadBudget(newReadBudget(1000), machine.control(), 1, () => machine.now);
    budget.take(2000);
    const before = machine.now;
    budget.take(1);
    assert.ok(machine.now - before >= 1_899_999_000n, `${machine.now - before} ns`);
    assert.ok(machine.waits > 1);
  });

  it('ends at once where the run is stopped while it waits', () => {
    const machine = new Machine();
    const stopping: BudgetControl = {
      get isStopped() {
        return machine.isStopped;
      },
      threadBell: () => 0,
      waitForThread: () => {
        machine.waits += 1;
        machine.isStopped = true;
      },
    };
    const budget = new ReadBudget(newReadBudget(1), stopping, 1, () => machine.now);
    budget.take(1_000_000);
    assert.throws(() => budget.take(1), RunStopped);
    assert.equal(machine.waits, 1);
  });
});
