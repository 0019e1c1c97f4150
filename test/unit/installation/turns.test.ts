import assert from 'node:assert/strict';
import { Turns } from '../../../daemon/installation/turns.ts';

const { signal } = new AbortController();

describe('turns', () => {
  it('are taken one after the other in the order in which they were asked for, and given back by what fails', async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const work = async (name: string): Promise<void> => {
      using _ = await turns.take(signal);
      seen.push(`${name} begins`);
      await Promise.resolve();
      seen.push(`${name} ends`);
      if (name === 'b') throw new Error('fails');
    };
    await Promise.allSettled(['a', 'b', 'c'].map(work));
    assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('are not waited for any longer where the signal says so, and then hold nobody else up', async () => {
    const turns = new Turns();
    const first = await turns.take(signal);
    const waiting = new AbortController();
    const second = turns.take(waiting.signal);
    let isTaken = false;
    const third = turns.take(signal).then((turn) => ((isTaken = true), turn));
    waiting.abort(new Error('enough'));
    await assert.rejects(second, /enough/);
    assert.equal(isTaken, false, 'the first one goes on');
    first[Symbol.dispose]();
    (await third)[Symbol.dispose]();
    await assert.rejects(turns.take(waiting.signal), /enough/);
    using _ = await turns.take(signal);
  });
});
