import assert from 'node:assert/strict';
import { notImmutable } from '../../../daemon/immutability/notImmutable.ts';

describe('a location without locks', () => {
  it('is advised to take a protection period where it is a bucket, by its own name', () => {
    const { code, message, fix } = notImmutable('prove the lock of', { name: 'my vault', kind: 's3' });
    assert.equal(code, 'refusedByRule');
    assert.equal(message, 'Failed to prove the lock of my vault: it is not immutable.');
    assert.equal(fix, `Give it a protection period: "holdfast location edit 'my vault' --protection-period DAYS".`);
  });

  it('is advised to be a bucket where it is a folder, which no period makes immutable', () => {
    const { code, message, fix } = notImmutable('prove the lock of', { name: 'usb', kind: 'filesystem' });
    assert.equal(code, 'refusedByRule');
    assert.equal(message, 'Failed to prove the lock of usb: it is a folder, and a folder has no locks.');
    assert.match(fix ?? '', /location add s3/u);
    assert.doesNotMatch(fix ?? '', /location edit/u);
  });
});
