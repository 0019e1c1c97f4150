import assert from 'node:assert/strict';
import { stoppedBy } from '../../../daemon/policies/backupOutcome.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

describe('what stopped a run', () => {
  it('X4: names the policy and the location, not the object that was on its way, and keeps code, way out and facts', () => {
    const full = HoldfastError.failedTo('storeFull', 'put object 9f/packs/10/10e8', 'there is no space left (ENOSPC)', {
      fix: 'Free some space.',
      details: { system: 'ENOSPC' },
    });
    const told = stoppedBy(full, 'work', 'small');
    assert.ok(HoldfastError.is(told, 'storeFull'));
    assert.equal(told.message, 'Failed to back up work to small: there is no space left (ENOSPC).');
    assert.deepEqual([told.fix, told.details, told.reason, told.cause], [full.fix, full.details, full.reason, full]);
  });

  it('is left as it is where no location is to blame, where it names more than an object, and where the location is gone', () => {
    const damaged = HoldfastError.failedTo('damaged', 'read object 9f', 'its tag is wrong');
    const away = new HoldfastError('storeUnreachable', 'Failed to open location /mnt/disk: its marker is not there (unmounted?).');
    const foreign = new TypeError('x');
    for (const error of [damaged, away, foreign]) assert.equal(stoppedBy(error, 'work', 'small'), error);
    const full = HoldfastError.failedTo('storeFull', 'put object 9f', 'there is no space left');
    assert.equal(stoppedBy(full, 'work', undefined), full);
  });
});
