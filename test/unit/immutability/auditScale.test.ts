import assert from 'node:assert/strict';
import { measureAudit } from '../../support/auditScale.ts';

describe('the audit of very much', () => {
  it('holds no more of 200,000 versions than of a few pages', async function () {
    // Making so many takes its time.
    this.timeout(180_000);
    const { versions, findings, locksRead, heldBytes } = await measureAudit(200_000);
    assert.deepEqual([versions, findings], [200_000, 0]);
    assert.ok(locksRead > 100 && locksRead < 500, `${locksRead} locks`);
    assert.ok(heldBytes < 8e6, `${heldBytes} bytes`);
  });
});
