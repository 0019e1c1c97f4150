import assert from 'node:assert/strict';
import { MessageChannel } from 'node:worker_threads';
import { Mailbox, outboxOf, RunStopped } from '../../../../daemon/engine/threads/mailbox.ts';
import { newRunMemory, RunControl, RunCounters, sumCounters } from '../../../../daemon/engine/threads/runMemory.ts';
import { newSealedBuffers, SealedBuffers } from '../../../../daemon/engine/threads/sealedBuffers.ts';

describe('mail between threads', () => {
  it('is taken in the order of each port, without a turn of the loop', () => {
    const control = new RunControl(newRunMemory(2));
    const { port1, port2 } = new MessageChannel();
    const mailbox = new Mailbox<string>([port2], control, 1);
    const outbox = outboxOf<string>(port1, control, 1);
    outbox.send('one');
    outbox.send('two');
    assert.deepEqual([mailbox.next(), mailbox.next(), mailbox.poll()], ['one', 'two', undefined]);
    port1.close();
  });

  it('ends with the run, also for who waits; closing orders come through all the same', () => {
    const control = new RunControl(newRunMemory(2));
    const { port1, port2 } = new MessageChannel();
    const mailbox = new Mailbox<string>([port2], control, 1);
    outboxOf<string>(port1, control, 1).send('late');
    control.stop();
    assert.throws(() => mailbox.next(), RunStopped);
    assert.equal(mailbox.next(true), 'late');
    port1.close();
  });
});

describe('sealed buffers', () => {
  it('are taken once each, and wait for a release or the end', () => {
    const control = new RunControl(newRunMemory(1));
    const buffers = new SealedBuffers(newSealedBuffers(2), control);
    assert.deepEqual([buffers.take(), buffers.take()], [0, 1]);
    buffers.release(1);
    assert.equal(buffers.take(), 1);
    control.stop();
    assert.throws(() => buffers.take(), RunStopped);
    assert.throws(() => buffers.bytes(2), RangeError);
  });
});

describe('counters of a run', () => {
  it('are summed over its threads', () => {
    const memory = newRunMemory(3);
    for (const thread of [0, 1, 2]) new RunCounters(memory, thread).add('bytes', 10 ** thread);
    new RunCounters(memory, 1).add('files', 5);
    const { bytes, files, readBytes } = sumCounters(memory);
    assert.deepEqual([bytes, files, readBytes], [111, 5, 0]);
  });
});
