import assert from 'node:assert/strict';
import { errorOf, failureOf } from '../../../../daemon/engine/restore/mainStore.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';

describe('errors between the threads of a restore', () => {
  it('arrive with code, sentence, reason and way out', () => {
    const sent = HoldfastError.failedTo('storeFailed', 'get object x', 'the disk reported an input/output error', {
      fix: 'Check the disk.',
    });
    const { code, message, reason, fix } = errorOf(structuredClone(failureOf(sent)));
    assert.deepEqual({ code, message, reason, fix }, { code: sent.code, message: sent.message, reason: sent.reason, fix: sent.fix });
  });

  it('show nothing of an error that nobody foresaw, and carry it for the log', () => {
    const arrived = errorOf(structuredClone(failureOf(new TypeError('canary'))));
    assert.equal(arrived.message, 'Failed to restore: something went wrong that was not foreseen.');
    assert.ok(arrived.cause instanceof TypeError);
    assert.equal(arrived.cause.message, 'canary');
  });
});
