import assert from 'node:assert/strict';
import type { ImportedPolicyRecord } from '../../../../daemon/catalog/importedPolicyStore.ts';
import { ImportPolling } from '../../../../daemon/recovery/migration/importPolling.ts';
import { newId } from '../../../support/ids.ts';
import { VirtualClock } from '../../../support/virtualClock.ts';

const start = '2026-03-01T00:00:00.000Z';
const minute = 60_000;

function row(name: string, pollSeconds: number | null): ImportedPolicyRecord {
  return {
    policyId: newId(),
    installationId: newId(),
    storeId: newId(),
    migrationKeys: new Uint8Array(0),
    fingerprint: name,
    madeAt: start,
    importedAt: start,
    pollSeconds,
    refreshedAt: start,
    triedAt: start,
    problem: null,
  };
}

describe('Polling of imported policies', () => {
  let clock: VirtualClock;
  let rows: ImportedPolicyRecord[];
  let looked: string[];
  let failures: unknown[];
  let isUnlocked: boolean;
  let refresh: (record: ImportedPolicyRecord, signal: AbortSignal) => Promise<void>;
  let polling: ImportPolling;

  beforeEach(() => {
    clock = new VirtualClock(start);
    rows = [];
    looked = [];
    failures = [];
    isUnlocked = true;
    refresh = async () => undefined;
    polling = new ImportPolling({
      catalog: { importedPolicies: Object.assign(Object.create(null), { list: () => rows }) },
      migration: {
        refresh: async (record, signal) => {
          looked.push(record.fingerprint);
          rows = rows.map((known) => (known.policyId === record.policyId ? { ...known, triedAt: clock.wall().toISOString() } : known));
          await refresh(record, signal);
          return { added: 0, gone: 0, damaged: [] };
        },
      },
      isUnlocked: () => isUnlocked,
      wallClock: clock.wall,
      after: clock.after,
      onFailed: (_policyId, error) => void failures.push(error),
    });
    polling.start();
  });
  afterEach(() => polling[Symbol.asyncDispose]());

  /** Minute by minute, since what is begun ends between them. */
  const passMinutes = async (count: number): Promise<void> => {
    for (let passed = 0; passed < count; passed += 1) {
      clock.pass(minute);
      await polling.idle();
    }
  };

  it('looks as often as it was told, at those that are polled, also after a sleep', async () => {
    rows = [row('often', 600), row('seldom', 3600), row('never', null)];
    clock.pass(9 * minute);
    await polling.idle();
    assert.deepEqual(looked, []);
    clock.pass(2 * minute);
    await polling.idle();
    assert.deepEqual(looked, ['often']);
    clock.sleep(120 * minute);
    clock.pass(minute);
    await polling.idle();
    assert.deepEqual(looked, ['often', 'often', 'seldom']);
  });

  it('looks while unlocked alone, at once when it is unlocked, and is ended by a lock', async () => {
    rows = [row('one', 600), row('two', 600)];
    isUnlocked = false;
    clock.pass(60 * minute);
    assert.deepEqual(looked, []);
    let cut = false;
    refresh = (_record, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          cut = true;
          reject(new Error('cut'));
        });
      });
    isUnlocked = true;
    polling.stateChanged();
    isUnlocked = false;
    polling.stateChanged();
    await polling.idle();
    assert.deepEqual([cut, looked, failures], [true, ['one'], []]);
  });

  it('tells what failed, goes on with the others, and tries again when the next time has come', async () => {
    rows = [row('one', 600), row('two', 600)];
    refresh = async ({ fingerprint }) => {
      if (fingerprint === 'one') throw new Error('the store is away');
    };
    await passMinutes(11);
    assert.deepEqual([looked, failures.length], [['one', 'two'], 1]);
    await passMinutes(5);
    assert.equal(looked.length, 2);
    await passMinutes(6);
    assert.deepEqual([looked.length, failures.length], [4, 2]);
  });
});
