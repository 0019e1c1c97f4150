import assert from 'node:assert/strict';
import { runtimeChecks, selfTest } from '../../../daemon/keys/selfTest.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

function names(check: string): (error: unknown) => boolean {
  return (error) => HoldfastError.is(error, 'unsupportedRuntime') && error.message.includes(`${check} does not work`);
}

describe('the self-test at start', () => {
  it('C1 C3: passes here, and covers every primitive that is used', async () => {
    await selfTest();
    const covered = runtimeChecks.map(({ name }) => name).join(' ');
    for (const primitive of ['HKDF', 'HMAC', 'GCM with a 16-byte tag', 'scrypt', 'GCM-SIV', 'Zstandard', 'SQLite'])
      assert.ok(covered.includes(primitive));
  });

  it('names the first primitive that is wrong or missing', async () => {
    const good = { name: 'good', passes: () => true };
    const wrong = { name: 'wrong', passes: () => Promise.resolve(false) };
    const missing = {
      name: 'missing',
      passes: () => {
        throw new TypeError('not a function');
      },
    };
    await assert.rejects(selfTest([good, wrong, missing]), names('wrong'));
    await assert.rejects(selfTest([good, missing, wrong]), names('missing'));
  });
});
