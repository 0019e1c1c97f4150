import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { redactFacts, redactText, Sealed } from '../../../daemon/server/redaction.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

const canary = 'canary-7f3a9c51e0';

describe('redaction', () => {
  it('K6: a sealed value shows in no way but by reveal', () => {
    const sealed = new Sealed(canary);
    for (const shown of [
      String(sealed),
      JSON.stringify({ sealed }),
      inspect(sealed, { depth: null, showHidden: true }),
      JSON.stringify(redactFacts({ sealed })),
    ]) {
      assert.ok(!shown.includes(canary), shown);
    }
    assert.equal(sealed.reveal(), canary);
  });

  it('K6: bytes and keys become their length or a mark, and members that speak of secrets are withheld', () => {
    const facts = {
      bytes: Buffer.from(canary),
      view: new DataView(Buffer.from(canary).buffer),
      keyObject: createSecretKey(Buffer.from(canary)),
      passphrase: canary,
      nested: { apiToken: canary, Secret: [canary], deeper: { credentials: { user: canary } } },
      password: { value: canary },
      masterKey: canary,
    };
    const shown = JSON.stringify(redactFacts(facts));
    for (const form of [canary, Buffer.from(canary).toString('hex'), Buffer.from(canary).toString('base64')])
      assert.ok(!shown.includes(form), shown);
  });

  it('keeps what a reader of the log needs: numbers, names, codes, times, and how errors follow from each other', () => {
    const error = new HoldfastError('storeFull', 'Failed to put an object: the store is full.', {
      cause: new RangeError('no room'),
      details: { left: 0 },
    });
    const shown = redactFacts({ files: 3, path: '/a/b', at: new Date(0), error, keys: 4, isToken: true });
    assert.partialDeepStrictEqual(shown, {
      files: 3,
      path: '/a/b',
      at: '1970-01-01T00:00:00.000Z',
      error: {
        code: 'storeFull',
        message: 'Failed to put an object: the store is full.',
        details: { left: 0 },
        cause: { name: 'RangeError' },
      },
      keys: 4,
      isToken: true,
    });
  });

  it('K6: text of unforeseen errors loses what is quoted, and long runs that could be keys', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9-]{6,40}$/), fc.constantFrom('"', "'", '`'), (value, quote) => {
        assert.ok(!redactText(`Failed: ${quote}${value}${quote} is wrong`).includes(value));
        assert.ok(!redactText(`Failed: ${quote}${value}`).includes(value), 'also where the quotation was cut');
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), (bytes) => {
        for (const text of [Buffer.from(bytes).toString('hex'), Buffer.from(bytes).toString('base64')])
          assert.ok(!/\d/.test(text) || !redactText(`x ${text} y`).includes(text), text);
      }),
    );
  });

  it('ends with cycles, depth and width', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    assert.ok(JSON.stringify(redactFacts(cycle)).includes('[deep]'));
    assert.ok(JSON.stringify(redactFacts(Array.from({ length: 100_000 }, () => 'x'))).length < 10_000);
  });
});
