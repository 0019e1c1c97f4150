import assert from 'node:assert/strict';
import { cureOf } from '../../../daemon/immutability/tamperFinding.ts';

describe('the way out of what an audit has found', () => {
  it('R1 R2 R8: says that restores are not affected where nothing that they read is', () => {
    for (const kind of ['deleteMarker', 'foreignVersion', 'unknownObject', 'missingLock', 'shortenedLock', 'prolongedLock'])
      assert.match(cureOf([{ kind }]), /restores are not affected/);
    assert.match(cureOf([]), /restores are not affected/);
  });

  it('S9: does not say so where something is gone or is something else', () => {
    for (const kind of ['missingVersion', 'differentSize']) {
      assert.doesNotMatch(cureOf([{ kind: 'deleteMarker' }, { kind }]), /not affected/);
      assert.match(cureOf([{ kind }]), /back up again/);
    }
  });
});
