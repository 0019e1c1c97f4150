import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { chainHash } from '../../../daemon/auditLog/chain.ts';
import { rowDigest } from '../../../daemon/catalog/rowDigest.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { locationAdd, locationEdit } from '../../../protocol/methods/locations.ts';
import { locationCollectGarbage } from '../../../protocol/methods/garbage.ts';
import { passkeyRetire, passkeyVerify } from '../../../protocol/methods/passkeys.ts';
import { restorePointRetire } from '../../../protocol/methods/restorePoints.ts';
import { sessionLock, sessionStepUp, sessionUnlock } from '../../../protocol/methods/session.ts';
import { AuditBench, callOf } from '../../support/auditBench.ts';
import { newId } from '../../support/ids.ts';

const slotId = newId();
const wrong = new HoldfastError('wrongSecret', 'Failed to unlock: it opens nothing.');
const byRule = new HoldfastError('refusedByRule', 'Failed to do it: a rule.');

describe('the audit log', () => {
  let bench: AuditBench;
  beforeEach(() => {
    bench = new AuditBench((kind, reference) => (kind === 'passkey' && reference === 'main' ? slotId : undefined));
  });
  afterEach(() => bench[Symbol.dispose]());

  it('says before an act who asks for what, and after it what came of it', () => {
    const begun = bench.log.begin(callOf(passkeyRetire, { passkey: 'main', confirmed: true, outside: 'end' }));
    assert.equal(bench.entries().length, 1, 'before the act');
    begun.done({ slotId });
    const [before, after, ...more] = bench.entries();
    const who = { user: 'ada', client: { name: 'cli', version: '1.2.3' }, verb: 'passkey.retire', code: null, unrecorded: 0 };
    assert.deepEqual(before, {
      ...who,
      sequence: 1,
      at: '2026-01-01T00:00:01.000Z',
      outcome: 'begun',
      ends: null,
      subjects: [{ kind: 'passkey', id: slotId }],
      facts: { confirmed: true, outside: 'end' },
      given: [],
    });
    assert.deepEqual(after, {
      ...who,
      sequence: 2,
      at: '2026-01-01T00:00:02.000Z',
      outcome: 'done',
      ends: 1,
      subjects: [],
      facts: {},
      given: [],
    });
    assert.deepEqual(more, []);
  });

  it('knows what a result has made, what goes on as an action, and what came to nothing without an error', () => {
    const [locationId, actionId] = [newId(), newId()];
    const ended = (method: Parameters<typeof callOf>[0], result: unknown): unknown => {
      bench.log.begin(callOf(method, {})).done(result);
      const { outcome, subjects } = bench.entries().at(-1) ?? {};
      return [outcome, subjects];
    };
    assert.deepEqual(ended(locationAdd, { location: { locationId }, checks: [] }), ['done', [{ kind: 'location', id: locationId }]]);
    assert.deepEqual(ended(locationAdd, { location: null, checks: [] }), ['failed', []]);
    assert.deepEqual(ended(locationCollectGarbage, { actionId }), ['started', [{ kind: 'action', id: actionId }]]);
    const over = { ...locationCollectGarbage, audit: { made: { actionId: 'action' } } } as const;
    assert.deepEqual(ended(over, { actionId }), ['done', [{ kind: 'action', id: actionId }]], 'which only follows from it');
    assert.deepEqual(ended(sessionLock, { state: 'locked' }), ['done', []]);
  });

  it('names the error of what failed and of what was refused, and nothing of its words', () => {
    bench.log.begin(callOf(passkeyVerify, { passkey: 'nobody', passphrase: { secretId: 4 } })).failed(wrong);
    bench.log.begin(callOf(sessionStepUp, {})).failed(new HoldfastError('cancelled', 'Cancelled.'));
    bench.log.begin(callOf(sessionStepUp, {})).failed(new TypeError('nobody foresaw it'));
    bench.log.refused(callOf(restorePointRetire, { restorePoint: 'x', confirmed: true }), byRule);
    bench.log.refused(callOf(restorePointRetire), new HoldfastError('locked', 'Failed to go on: the daemon is locked.'));
    assert.deepEqual(
      bench.entries().map(({ verb, outcome, code, ends, subjects, given }) => [verb, outcome, code, ends, subjects, given]),
      [
        ['passkey.verify', 'begun', null, null, [{ kind: 'passkey', id: null }], ['passphrase']],
        ['passkey.verify', 'failed', 'wrongSecret', 1, [], []],
        ['session.stepUp', 'begun', null, null, [], []],
        ['session.stepUp', 'cancelled', 'cancelled', 3, [], []],
        ['session.stepUp', 'begun', null, null, [], []],
        ['session.stepUp', 'failed', 'failed', 5, [], []],
        ['restorePoint.retire', 'refused', 'refusedByRule', null, [{ kind: 'restorePoint', id: null }], []],
        ['restorePoint.retire', 'refused', 'locked', null, [], []],
      ],
    );
  });

  it('leaves out questions, and what was asked before anything was set up', () => {
    for (const code of ['confirmationNeeded', 'notSetUp'] as const) {
      bench.log.refused(callOf(restorePointRetire), new HoldfastError(code, 'Failed to go on: no.'));
    }
    assert.deepEqual(bench.entries(), []);
  });

  it('writes down a hundred refusals, then one a minute, and counts the rest', () => {
    for (let call = 0; call < 1000; call += 1) bench.log.refused(callOf(restorePointRetire), byRule);
    assert.equal(bench.entries().length, 100);
    bench.now += 59_999;
    bench.log.refused(callOf(restorePointRetire), byRule);
    bench.now += 1;
    bench.log.refused(callOf(restorePointRetire), byRule);
    bench.log.refused(callOf(restorePointRetire), byRule);
    bench.log.begin(callOf(sessionLock, {})).done({});
    assert.deepEqual(
      bench
        .entries()
        .slice(99)
        .map(({ outcome, unrecorded }) => [outcome, unrecorded]),
      [
        ['refused', 0],
        ['refused', 901],
        ['begun', 1],
        ['done', 0],
      ],
    );
  });

  it('X4: lets nothing be done that it can not write down, but for what gives rights or data back', () => {
    bench[Symbol.dispose]();
    bench = new AuditBench(() => undefined, { maxPages: 1 });
    let begun = 0;
    assert.throws(
      () => {
        for (;;) {
          bench.log.begin(callOf(locationEdit, { location: 'x' }));
          begun += 1;
        }
      },
      (error) => HoldfastError.is(error, 'diskFailed'),
    );
    assert.deepEqual(bench.unwritten, []);
    bench.log.begin(callOf(sessionLock, {})).done({});
    bench.log.begin(callOf(sessionUnlock, {})).failed(wrong);
    assert.deepEqual(bench.unwritten, ['session.lock', 'session.lock', 'session.unlock', 'session.unlock']);
    bench.restart();
    bench.log.begin(callOf(sessionLock, {}));
    assert.deepEqual([bench.entries().length, bench.entries().at(-1)?.sequence], [begun + 1, begun + 1]);
  });

  it('X1: says of an act that a kill cut off that nobody knows what became of it, once', () => {
    bench.log.begin(callOf(locationEdit, { location: 'x' })).done({ location: { locationId: newId() } });
    bench.log.begin(callOf(restorePointRetire, { restorePoint: 'x', confirmed: true }));
    bench.restart();
    bench.log.endUnended();
    bench.restart();
    bench.log.endUnended();
    assert.deepEqual(
      bench.entries().map(({ verb, outcome, ends, client }) => [verb, outcome, ends, client?.name]),
      [
        ['location.edit', 'begun', null, 'cli'],
        ['location.edit', 'done', 1, 'cli'],
        ['restorePoint.retire', 'begun', null, 'cli'],
        ['restorePoint.retire', 'unknown', 3, undefined],
      ],
    );
    assert.deepEqual(bench.unwritten, []);
  });

  it('is written by a locked daemon, and goes on over restarts as one chain', async () => {
    for (let round = 0; round < 3; round += 1) {
      bench.restart();
      bench.log.begin(callOf(sessionUnlock, {})).failed(wrong);
      bench.log.note({ verb: 'session.unlock', outcome: 'done' });
    }
    const { intact, rows, head } = await bench.verify();
    assert.deepEqual([intact, rows, head?.sequence], [true, 9, 9]);
    assert.equal(head?.hash, Buffer.from(bench.catalog.auditLog.head()?.hash ?? []).toString('hex'));
  });

  it('gives its entries page by page, the newest first', () => {
    for (let act = 0; act < 300; act += 1) bench.log.note({ verb: 'session.lock', outcome: 'done' });
    const first = bench.log.list({});
    assert.deepEqual([first.items.length, first.items[0]?.entry.sequence], [250, 300]);
    const second = bench.log.list({ after: first.next ?? '' });
    assert.deepEqual([second.items.length, second.items.at(-1)?.entry.sequence, second.next], [50, 1, null]);
    assert.deepEqual(
      bench.log.list({ limit: 2 }).items.map(({ entry }) => entry.sequence),
      [300, 299],
    );
  });

  it('keeps what a client calls itself to the letter, or else to what can be kept', async () => {
    const names = ['\ud800 alone', 'ü "quoted" \u0000\u001f\u007f', '𝄞'];
    for (const name of names) bench.log.begin({ method: sessionLock, params: {}, client: { name, version: '' } }).done({});
    bench.restart();
    assert.equal((await bench.verify()).intact, true);
    assert.deepEqual([...new Set(bench.entries().map(({ client }) => client?.name))], ['\ufffd alone', names[1], names[2]]);
  });

  describe('in the hands of somebody who writes the catalog', () => {
    const rows = 600;
    beforeEach(() => {
      bench.catalog.transaction(() => {
        for (let act = 0; act < rows; act += 1) bench.log.note({ verb: 'session.lock', outcome: 'done' });
      });
    });

    /** As an attacker who knows the program does it: with the digests of the rows made right. */
    function attack(sql: string): void {
      bench.catalog.close();
      const database = new DatabaseSync(bench.folder.path);
      database.exec(sql);
      const columns = ['sequence', 'outcome', 'ends', 'entry', 'hash'];
      const update = database.prepare('UPDATE auditLog SET digest = ? WHERE sequence = ?');
      database.exec('BEGIN');
      for (const row of database.prepare('SELECT * FROM auditLog').all()) {
        update.run(rowDigest('auditLog', columns, row), row['sequence'] ?? null);
      }
      database.exec('COMMIT');
      database.close();
      bench.restart();
    }

    const attacks: Readonly<Record<string, readonly [sql: string, sequence: number, problem: string]>> = {
      'a row that was changed': [
        `UPDATE auditLog SET entry = replace(entry, 'session.lock', 'session.stop') WHERE sequence = 350`,
        350,
        'changed',
      ],
      'a row that was removed': ['DELETE FROM auditLog WHERE sequence = 350', 350, 'missing'],
      'rows that were removed at the front': ['DELETE FROM auditLog WHERE sequence <= 10', 1, 'missing'],
      'a row that was put in': [
        `UPDATE auditLog SET sequence = -sequence WHERE sequence > 350; UPDATE auditLog SET sequence = 1 - sequence WHERE sequence < 0;
         INSERT INTO auditLog SELECT 351, outcome, ends, entry, hash, digest FROM auditLog WHERE sequence = 5`,
        351,
        'changed',
      ],
      'two rows that changed places': [
        'UPDATE auditLog SET sequence = -1 WHERE sequence = 350; UPDATE auditLog SET sequence = 350 WHERE sequence = 450; UPDATE auditLog SET sequence = 450 WHERE sequence = -1',
        350,
        'changed',
      ],
      'a row of a number that there is not': ['UPDATE auditLog SET sequence = -3 WHERE sequence = 600', -3, 'changed'],
      'another hash': ['UPDATE auditLog SET hash = zeroblob(32) WHERE sequence = 1', 1, 'changed'],
      'a hash of another length': ["UPDATE auditLog SET hash = x'00' WHERE sequence = 600", 600, 'changed'],
    };
    for (const [title, [sql, sequence, problem]] of Object.entries(attacks)) {
      it(`R10: shows ${title}`, async () => {
        const head = bench.catalog.auditLog.head();
        attack(sql);
        const found = await bench.verify();
        assert.deepEqual([found.intact, found.firstBad], [false, { sequence, problem }]);
        assert.deepEqual((await bench.verify(Buffer.from(head?.hash ?? []).toString('hex'))).given?.sequence, null);
      });
    }

    it('R10: shows by a head from outside that its end was cut, and goes on from where it was cut', async () => {
      const { head } = await bench.verify();
      assert.deepEqual((await bench.verify(head?.hash)).given, { hash: head?.hash, sequence: rows });
      attack(`DELETE FROM auditLog WHERE sequence > ${rows - 5}`);
      bench.log.note({ verb: 'session.lock', outcome: 'done' });
      const without = await bench.verify();
      assert.deepEqual([without.intact, without.rows], [true, rows - 4], 'it can not know it by itself');
      const found = await bench.verify(head?.hash);
      assert.deepEqual([found.intact, found.firstBad, found.given?.sequence], [false, null, null]);
    });

    it('R10: shows by a head from outside that it was written anew as a whole', async () => {
      const { head } = await bench.verify();
      const other = new AuditBench();
      try {
        for (let act = 0; act < 3; act += 1) other.log.note({ verb: 'session.lock', outcome: 'done' });
        const found = await other.verify(head?.hash);
        assert.deepEqual([found.intact, found.firstBad, found.rows], [false, null, 3]);
      } finally {
        other[Symbol.dispose]();
      }
    });

    it('R10: has the head of a bundle among its rows for as long as nothing before it was changed', async () => {
      const kept = bench.catalog.auditLog.rowsBehind(349, 1)[0];
      assert.ok(kept);
      const hex = Buffer.from(kept.hash).toString('hex');
      attack('DELETE FROM auditLog WHERE sequence = 450');
      const found = await bench.verify(hex);
      assert.deepEqual([found.intact, found.firstBad?.sequence, found.given?.sequence], [false, 450, 350]);
      assert.deepEqual(Buffer.from(chainHash(bench.catalog.auditLog.rowsBehind(348, 1)[0], kept.entry)).toString('hex'), hex);
    });

    it('stops looking when nobody waits for it any more', async () => {
      await assert.rejects(bench.log.verify(undefined, AbortSignal.abort(new HoldfastError('cancelled', 'Cancelled.'))), (error) =>
        HoldfastError.is(error, 'cancelled'),
      );
    });
  });
});
