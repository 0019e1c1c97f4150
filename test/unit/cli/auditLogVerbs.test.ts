import assert from 'node:assert/strict';
import type { AuditVerification, ListedAuditEntry } from '../../../protocol/methods/auditLog.ts';
import { FakeDaemon } from './fakeDaemon.ts';
import { runWith } from './fakeHost.ts';
import { hostile, otherId } from './samples.ts';

const hash = 'ab'.repeat(32);

const entry: ListedAuditEntry = {
  sequence: 7,
  at: '2026-03-01T11:59:00.000Z',
  user: 'ada',
  client: { name: 'cli', version: '1.2.3' },
  verb: 'passkey.retire',
  outcome: 'done',
  code: null,
  ends: 6,
  subjects: [{ kind: 'passkey', id: otherId, name: 'main' }],
  facts: { confirmed: true },
  given: [],
  unrecorded: 0,
  hash,
};

const whole: AuditVerification = { intact: true, rows: 7, head: { sequence: 7, hash }, firstBad: null, given: null };

function listing(...items: readonly ListedAuditEntry[]): FakeDaemon {
  return new FakeDaemon({ 'audit.list': () => ({ items, next: null }) });
}

async function verifying(verification: AuditVerification, ...flags: readonly string[]): ReturnType<typeof runWith> {
  return await runWith(['audit', 'verify', ...flags], { daemon: new FakeDaemon({ 'audit.verify': () => verification }) });
}

describe('cli audit', () => {
  it('lists who did what, and what came of it', async () => {
    const refused: ListedAuditEntry = {
      ...entry,
      sequence: 8,
      client: null,
      verb: 'location.remove',
      outcome: 'refused',
      code: 'stillInUse',
      ends: null,
      subjects: [
        { kind: 'location', id: null, name: null },
        { kind: 'action', id: otherId, name: null },
      ],
    };
    const daemon = listing(refused, entry);
    const { out, json } = await runWith(['audit', 'list', '--json'], { daemon });
    assert.deepEqual([json(), out.trim().split('\n').length], [[refused, entry], 1]);
    const human = await runWith(['audit', 'list'], { daemon: listing(refused, entry) });
    assert.match(
      human.out,
      /^ROW +WHEN +BY +VERB +OUTCOME +ABOUT\n8 .* the daemon +location\.remove +refused, stillInUse +no location, action aaaaaaaa\n/,
    );
    assert.match(human.out, /\n7 .* cli +passkey\.retire +done \(6\) +passkey main\n$/);
  });

  it('says so where nothing was written yet', async () => {
    assert.equal((await runWith(['audit', 'list'], { daemon: listing() })).out, 'Nothing was written yet.\n');
    assert.equal((await verifying({ ...whole, rows: 0, head: null })).out, 'The audit log is empty.\n');
  });

  it('M6: shows names that could act upon the terminal as text', async () => {
    const { out, status } = await runWith(['audit', 'list'], {
      daemon: listing({
        ...entry,
        client: { name: hostile.slice(0, 64), version: '' },
        subjects: [{ kind: 'policy', id: otherId, name: hostile.slice(0, 64) }],
      }),
    });
    assert.deepEqual([status, out.includes('policy ')], [0, true]);
    for (const unsafe of ['\u001b', '\u0007', '\u202e']) assert.ok(!out.includes(unsafe));
  });

  it('R10: ends with 0 for a whole chain, with 5 for a broken one and for a head that no row has', async () => {
    const good = await verifying({ ...whole, given: { hash, sequence: 3 } }, '--head', hash);
    assert.deepEqual([good.status, good.out.split('\n')[1]], [0, 'Row 3 has the given head: nothing up to it was changed.']);
    const broken = await verifying({ ...whole, intact: false, head: null, firstBad: { sequence: 1, problem: 'changed' } });
    assert.equal(broken.status, 5);
    assert.match(broken.out, /^The audit log is broken at row 1: it, or one before it, is not what was written\. No row holds;/);
    const behind = await verifying({
      ...whole,
      intact: false,
      firstBad: { sequence: 8, problem: 'missing' },
      given: { hash, sequence: 3 },
    });
    assert.match(behind.out, /^The audit log is broken at row 8: it is gone\. Rows 1 to 7 follow .*\nRow 3 has the given head/);
    const other = await verifying({ ...whole, intact: false, given: { hash, sequence: null } });
    assert.equal(other.status, 5);
    assert.match(other.out, /^The audit log is not the one of the given head: none of its 7 rows has it\./);
  });

  it('takes a head in either case and nothing that is none', async () => {
    const daemon = new FakeDaemon({ 'audit.verify': () => whole });
    await runWith(['audit', 'verify', '--head', hash.toUpperCase()], { daemon });
    assert.deepEqual(daemon.of('audit.verify')[0]?.params, { head: hash });
    for (const wrong of [hash.slice(1), `${hash}0`, 'g'.repeat(64), '']) {
      assert.equal((await runWith(['audit', 'verify', '--head', wrong], { daemon })).status, 2, wrong);
    }
  });
});
