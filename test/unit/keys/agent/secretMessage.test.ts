import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { decodeSecretMessage, encodeSecretMessage, longestMessage } from '../../../../daemon/keys/agent/secretMessage.ts';

describe('messages of the key agent', () => {
  it('give back what was put in, secrets apart from the JSON', () => {
    const name = fc.constantFrom('plaintext', 'token', 'accessKeyId');
    fc.assert(
      fc.property(fc.jsonValue(), fc.dictionary(name, fc.uint8Array({ maxLength: 200 })), (json, secrets) => {
        const message = encodeSecretMessage(json, secrets);
        const read = decodeSecretMessage(message);
        assert.equal(JSON.stringify(read.json), JSON.stringify(json));
        assert.deepEqual(
          Object.entries(read.secrets).map(([key, bytes]) => [key, [...bytes]]),
          Object.entries(secrets).map(([key, bytes]) => [key, [...bytes]]),
        );
      }),
    );
  });

  it('are refused at every cut, and with a byte behind them', () => {
    const message = encodeSecretMessage({ call: 'x' }, { plaintext: Buffer.from('abcdef') });
    for (let length = 0; length < message.length; length += 1) assert.throws(() => decodeSecretMessage(message.subarray(0, length)));
    assert.throws(() => decodeSecretMessage(Buffer.concat([message, Buffer.of(0)])), RangeError);
    assert.throws(() => decodeSecretMessage(new Uint8Array(longestMessage + 1)), RangeError);
  });
});
