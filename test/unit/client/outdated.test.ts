import assert from 'node:assert/strict';
import { outdatedReason } from '../../../client/outdated.ts';

describe('outdated daemon', () => {
  it('is one of another version or on another runtime', () => {
    const own = { programVersion: '0.2.0', runtimePath: '/opt/node' };
    assert.equal(outdatedReason(own, own), undefined);
    assert.match(outdatedReason({ ...own, programVersion: '0.1.0' }, own) ?? '', /version 0\.1\.0, not 0\.2\.0/);
    assert.match(outdatedReason({ ...own, runtimePath: '/old/code' }, own) ?? '', /runs on \/old\/code/);
  });
});
