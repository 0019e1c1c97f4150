import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { handlerOf } from '../../../daemon/server/handler.ts';
import { type Method, type StreamRef, streamRef } from '../../../protocol/method.ts';
import { openAnswer, sealAnswer } from '../../../protocol/secretFrames.ts';
import { TestChannel } from '../../support/channel.ts';

const tellSecret: Method<Readonly<Record<never, never>>, StreamRef> = {
  name: 'test.tellSecret',
  params: z.strictObject({}),
  result: streamRef,
  right: 'always',
};

describe('a secret as an answer', () => {
  it('K5: comes through sealed for its session, and is overwritten in the daemon before it is read', async () => {
    const given: Buffer[] = [];
    await using channel = await TestChannel.start({
      methods: [tellSecret],
      handlers: Object.fromEntries([
        handlerOf(tellSecret, async (_params, { openSecret }) => {
          const secret = Buffer.from('canary of an answer');
          given.push(secret);
          return openSecret(secret);
        }),
      ]),
    });
    await using connection = await channel.connect();
    const ref = await connection.call(tellSecret, {});
    assert.deepEqual(given, [Buffer.alloc(19)]);
    assert.equal((await connection.readSecret(ref)).toString(), 'canary of an answer');
    const sealed: Uint8Array[] = [];
    for await (const piece of connection.stream(await connection.call(tellSecret, {}))) sealed.push(piece);
    assert.equal(Buffer.concat(sealed).length, 19 + 16);
    assert.equal(Buffer.concat(sealed).includes('canary'), false);
  });

  it('opens for its stream of its session alone', () => {
    const key = createSecretKey(randomBytes(32));
    const sealed = sealAnswer(key, 3, Buffer.from('secret'));
    assert.equal(openAnswer(key, 3, sealed)?.toString(), 'secret');
    assert.equal(openAnswer(key, 4, sealed), undefined);
    assert.equal(openAnswer(createSecretKey(randomBytes(32)), 3, sealed), undefined);
    assert.equal(openAnswer(key, 3, sealed.subarray(1)), undefined);
    assert.equal(openAnswer(key, 3, Buffer.alloc(15)), undefined);
  });
});
