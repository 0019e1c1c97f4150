import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ProgressTracker } from '../../../daemon/actions/progress.ts';

describe('progress', () => {
  it('finds a steady rate and the time that is left', () => {
    let now = 0;
    const tracker = new ProgressTracker(() => now);
    let last = tracker.update({ phase: 'data', files: 0, bytes: 0, totalFiles: 10, totalBytes: 10_000 });
    for (let second = 1; second <= 5; second += 1) {
      now = second * 1000;
      last = tracker.update({ phase: 'data', files: second, bytes: second * 1000, totalFiles: 10, totalBytes: 10_000 });
    }
    assert.equal(Math.round(last.rate), 1000);
    assert.equal(Math.round(last.secondsLeft ?? 0), 5);
    assert.equal(last.fraction, 0.5);
  });

  it('claims neither a fraction nor a time while the total is unknown', () => {
    let now = 0;
    const tracker = new ProgressTracker(() => now);
    now = 1000;
    const progress = tracker.update({ phase: 'data', files: 1, bytes: 5, totalFiles: null, totalBytes: null });
    assert.deepEqual([progress.fraction, progress.secondsLeft], [null, null]);
  });

  it('leaves totals out once they are passed, which a folder that grows does, and takes new ones', () => {
    let now = 0;
    const tracker = new ProgressTracker(() => now);
    for (const passed of [
      { files: 3, bytes: 20 },
      { files: 2, bytes: 30 },
    ]) {
      now += 1000;
      const progress = tracker.update({ phase: 'data', ...passed, totalFiles: 2, totalBytes: 20 });
      const { totalFiles, totalBytes, fraction, secondsLeft } = progress;
      assert.deepEqual([totalFiles, totalBytes, fraction, secondsLeft], [null, null, null, null]);
      assert.deepEqual([progress.files, progress.bytes], [passed.files, passed.bytes]);
    }
    assert.equal(tracker.update({ phase: 'data', files: 3, bytes: 30, totalFiles: 3, totalBytes: 30 }).fraction, 1);
  });

  it('never claims more than the whole', () => {
    const tracker = new ProgressTracker(() => 0);
    assert.equal(tracker.update({ phase: 'data', files: 2, bytes: 20, totalFiles: 2, totalBytes: 20 }).fraction, 1);
    assert.equal(tracker.update({ phase: 'data', files: 0, bytes: 0, totalFiles: 0, totalBytes: 0 }).fraction, 1);
  });
});
