import assert from 'node:assert/strict';
import { SecretStore } from '../../../daemon/server/secretStore.ts';

const isWiped = (secret: Buffer): boolean => secret.every((byte) => byte === 0);

describe('secret store', () => {
  it('overwrites what a request named and did not take, when the request is over', () => {
    const store = new SecretStore();
    const [taken, left, other] = ['taken', 'left', 'other'].map((text) => Buffer.from(text));
    assert.ok(taken && left && other);
    for (const [index, secret] of [taken, left, other].entries()) store.add(index, secret);
    const claim = store.claim({ a: { secretId: 0 }, list: [{ b: { secretId: 1 } }] });
    assert.equal(claim.take({ secretId: 0 }), taken);
    assert.throws(() => claim.take({ secretId: 2 }), { code: 'badValue' }, 'what the request did not name');
    claim[Symbol.dispose]();
    assert.deepEqual([isWiped(taken), isWiped(left), isWiped(other)], [false, true, false]);
    assert.equal(store.claim({ secretId: 2 }).take({ secretId: 2 }), other, 'the next request has its own');
  });

  it('overwrites all of a session’s secrets at its end, those of requests under way among them', () => {
    const store = new SecretStore();
    const [waiting, claimed] = [Buffer.from('waiting'), Buffer.from('claimed')];
    store.add(0, waiting);
    store.add(1, claimed);
    store.claim([{ secretId: 1 }]);
    store[Symbol.dispose]();
    assert.ok(isWiped(waiting) && isWiped(claimed));
  });

  it('does not hold more than sixteen that nobody named, and overwrites the one too many', () => {
    const store = new SecretStore();
    for (let index = 0; index < 16; index += 1) assert.ok(store.add(index, Buffer.from('x')));
    const tooMany = Buffer.from('x');
    assert.equal(store.add(16, tooMany), false);
    assert.ok(isWiped(tooMany));
  });

  it('M2: looks for references in hostile parameters without running away', () => {
    const store = new SecretStore();
    let deep: unknown = { secretId: 0 };
    for (let depth = 0; depth < 30; depth += 1) deep = { deep };
    store.add(0, Buffer.from('x'));
    assert.throws(() => store.claim(deep).take({ secretId: 0 }), { code: 'badValue' });
    for (const hostile of [null, 1, 'x', [], { secretId: '0' }, { secretId: {} }, { secretId: Number.NaN }])
      store.claim(hostile)[Symbol.dispose]();
    assert.ok(store.claim({ secretId: 0 }).take({ secretId: 0 }));
  });
});
