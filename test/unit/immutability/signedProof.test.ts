import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { isSigned, keptProofOf, lockProofText } from '../../../daemon/immutability/signedProof.ts';
import { lockProofOf } from '../../../daemon/installation/lockProofRecord.ts';
import { LockProofBench } from '../../support/bucket/lockProofBench.ts';

const key = createSecretKey(randomBytes(32));

describe('a signed lock proof', () => {
  let text = '';

  before(async () => {
    using bench = new LockProofBench();
    text = lockProofText(await bench.prove(), key);
  });

  it('is read as it was written, and is known as ours', () => {
    const kept = keptProofOf(text);
    assert.deepEqual([kept.verdict, kept.explanation, kept.attempts.length], ['enforced', null, 14]);
    assert.equal(isSigned(text, key), true);
    assert.deepEqual(lockProofOf({ lockProof: text }), { verdict: 'enforced', at: kept.at });
  });

  it('is not taken for ours where anything of it was changed, or the key is another one', () => {
    assert.equal(isSigned(text, createSecretKey(randomBytes(32))), false);
    assert.equal(isSigned(text.replace(String.raw`\"attempts\"`, String.raw`\"attempts\" `), key), false);
    assert.equal(isSigned(text.replace('"verdict":"enforced"', '"verdict":"bypassable"'), key), false);
    assert.equal(isSigned(text.replace('"at":"2026-01-01', '"at":"2027-01-01'), key), false);
    assert.equal(isSigned(text.replace(/"signature":"[^"]*"/, '"signature":""'), key), false);
  });

  it('M1: refuses what is no proof', () => {
    for (const other of [
      '',
      '{}',
      'null',
      '{"verdict":"enforced","at":"2026-01-01T00:00:00.000Z"}',
      text.replace('"proof":"{', '"proof":"['),
    ]) {
      assert.throws(() => keptProofOf(other), { code: 'catalogDamaged' });
    }
  });
});
