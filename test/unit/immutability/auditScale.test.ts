import assert from 'node:assert/strict';
import { measureAudit } from '../../support/auditScale.ts';

describe('the audit of very much', () => {
  it('holds no more of 100,000 versions than of a few pages', async function () {
    // Making so many takes its time, and so does collecting garbage to see what is held.
    this.timeout(300_000);
    const { versions, findings, locksRead, heldBytes } = await measureAudit(100_000);
    assert.deepEqual([versions, findings], [100_000, 0]);
    assert.ok(locksRead > 100 && locksRead < 500, `${locksRead} locks`);
    assert.ok(heldBytes < 4e6, `${heldBytes} bytes`);
  });
});
