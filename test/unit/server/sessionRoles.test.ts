import assert from 'node:assert/strict';
import type { DaemonEvent } from '../../../protocol/events.ts';
import { sessionClaim } from '../../../protocol/methods/claim.ts';
import { TestChannel, within } from '../../support/channel.ts';

const notifier = { role: 'notifier' } as const;

describe('session roles', () => {
  it('W9: gives a role to one session at a time, which may ask again', async () => {
    await using channel = await TestChannel.start({ methods: [sessionClaim] });
    await using first = await channel.connect();
    await using second = await channel.connect();
    assert.deepEqual(await first.call(sessionClaim, notifier), { granted: true });
    assert.deepEqual(await second.call(sessionClaim, notifier), { granted: false });
    assert.deepEqual(await first.call(sessionClaim, notifier), { granted: true });
  });

  it('W9: tells the others when the session that had it ends, however that comes, and gives it to one of them', async () => {
    await using channel = await TestChannel.start({ methods: [sessionClaim] });
    await using second = await channel.connect();
    const first = await channel.connect();
    await first.call(sessionClaim, notifier);
    const { promise: told, resolve } = Promise.withResolvers<DaemonEvent>();
    await second.subscribe(['state.changed'], resolve);
    first.terminate();
    assert.deepEqual(await within(5000, told), { name: 'state.changed', subject: '' });
    assert.deepEqual(await second.call(sessionClaim, notifier), { granted: true });
  });

  it('W9: a session that had no role ends without a word', async () => {
    await using channel = await TestChannel.start({ methods: [sessionClaim] });
    await using holder = await channel.connect();
    await using listener = await channel.connect();
    await holder.call(sessionClaim, notifier);
    const heard: DaemonEvent[] = [];
    const { promise: told, resolve } = Promise.withResolvers<void>();
    await listener.subscribe(['state.changed', 'lookAgain', 'alert.changed'], (event) => {
      heard.push(event);
      if (event.name === 'alert.changed') resolve();
    });
    const idle = await channel.connect();
    await idle[Symbol.asyncDispose]();
    await idle.closed;
    // Whatever its end had told would have come before this.
    channel.events.publish({ name: 'alert.changed', subject: 'after' });
    await within(5000, told);
    assert.deepEqual(heard, [{ name: 'alert.changed', subject: 'after' }]);
  });
});
