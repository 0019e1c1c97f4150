import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';

describe('errors', () => {
  it('carry the cause alone beside the sentence, where they were made of both', () => {
    const error = HoldfastError.failedTo('damaged', 'read pack a:b', 'its tag: wrong', { fix: 'Verify it.' });
    assert.equal(error.message, 'Failed to read pack a:b: its tag: wrong.');
    assert.deepEqual([error.code, error.reason, error.fix], ['damaged', 'its tag: wrong', 'Verify it.']);
    assert.equal(new HoldfastError('usage', 'Say what.').reason, 'Say what.');
  });

  it('say of what nobody foresaw no more than the code of the system', () => {
    const cause = new TypeError('canary');
    const { code, message, fix, cause: kept } = HoldfastError.unforeseen('restore into /home', cause);
    assert.deepEqual([code, message], ['failed', 'Failed to restore into /home: something went wrong that was not foreseen.']);
    assert.ok(fix);
    assert.equal(kept, cause);
    const full = Object.assign(new Error('ENOSPC: canary'), { code: 'ENOSPC', syscall: 'write' });
    assert.equal(HoldfastError.unforeseen('restore', full).message, 'Failed to restore: the system says ENOSPC.');
  });
});
