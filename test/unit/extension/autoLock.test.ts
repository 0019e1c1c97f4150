import assert from 'node:assert/strict';
import { autoLockToTell } from '../../../extension/connection/autoLock.ts';

describe('the setting of when the daemon locks itself', () => {
  const table: readonly (readonly [string, number | undefined, number | null, number | null | undefined])[] = [
    ['that nobody touched leaves what the command line said', undefined, 8, undefined],
    ['is told where the daemon does otherwise', 4, 8, 4],
    ['is told where the daemon never does', 4, null, 4],
    ['is not told twice', 4, 4, undefined],
    ['of 0 means never', 0, 8, null],
    ['of 0 is not told where it never does', 0, null, undefined],
    ['below zero means never', -1, 8, null],
    ['beyond what a daemon takes is the most that it takes', 1e9, null, 87_600],
    ['of nearly nothing is the least that it takes', 1e-9, null, 0.01],
  ];
  for (const [what, setting, current, told] of table) {
    it(what, () => assert.equal(autoLockToTell(setting, current === null ? null : { hours: current, at: null }), told));
  }
});
