import assert from 'node:assert/strict';
import type { DaemonEvent } from '../../../protocol/events.ts';
import { TestChannel, within } from '../../support/channel.ts';

describe('connection', () => {
  it('leaves no listener behind where the daemon did not take its names', async () => {
    await using channel = await TestChannel.start();
    await using connection = await channel.connectSilently();
    const refused: DaemonEvent[] = [];
    await assert.rejects(
      connection.subscribe(['action.changed'], (event) => void refused.push(event)),
      { code: 'protocolViolation' },
      'nobody has said hello',
    );
    await connection.hello('test');
    const heard = Promise.withResolvers<DaemonEvent>();
    using stack = new DisposableStack();
    stack.use(await connection.subscribe(['action.changed'], heard.resolve));
    channel.events.publish({ name: 'action.changed', subject: 'one' });
    assert.deepEqual(await within(5000, heard.promise), { name: 'action.changed', subject: 'one' });
    assert.deepEqual(refused, []);
  });
});
