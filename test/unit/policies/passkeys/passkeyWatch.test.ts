import assert from 'node:assert/strict';
import type { VaultTokenFacts } from '../../../../daemon/keys/agent/keyFacts.ts';
import { isPassing, keyProblemKinds, type KeyProblemKind } from '../../../../daemon/keys/agent/keyProblem.ts';
import { arnOf } from '../../../support/fakeKeyAgent.ts';
import { kmsKey, vaultKey, WatchBench } from '../../../support/watchBench.ts';

const { signal } = new AbortController();
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const file = JSON.stringify({ kind: 'passphraseFile', path: '/secrets/holdfast' });

/** Has a passkey "vault" rotate every 90 days. */
async function byItself(bench: WatchBench, useNow = true): Promise<void> {
  await bench.add('vault', vaultKey, useNow);
  await bench.base.installation.passkeys.schedule('vault', 90, signal);
}

describe('the watch over passkeys at key services', () => {
  it('D6: tells each problem in words of its own, until it is cured', async () => {
    await using bench = await WatchBench.start();
    const slotId = await bench.add('vault', vaultKey);
    assert.ok(bench.mayGo(slotId));
    const messages = new Map<string, KeyProblemKind>();
    for (const kind of keyProblemKinds) {
      bench.base.keyAgent.problems.set('unwrap', kind);
      await bench.pass(day);
      const [alert, second] = bench.told();
      assert.deepEqual([alert?.kind, alert?.severity, alert?.subject, alert?.slotId], ['passkeyFailing', 'warning', 'vault', slotId], kind);
      assert.equal(second, undefined);
      assert.equal(alert?.fix, 'Mend it.');
      assert.equal(messages.get(alert.message), undefined, `${kind} reads as another one`);
      messages.set(alert.message, kind);
      bench.base.keyAgent.problems.clear();
      await bench.pass(hour);
      assert.deepEqual(bench.kinds(), [], `${kind} is cured`);
    }
    assert.equal(bench.base.installation.passkeys.resolve('vault').state, 'ready', 'it was never taken away');
    assert.deepEqual(bench.failures, []);
  });

  for (const kind of keyProblemKinds.filter(isPassing)) {
    it(`D6: ${kind} is told once it has lasted for a day, where another way in needs nobody`, async () => {
      await using bench = await WatchBench.start();
      await bench.add('vault', vaultKey);
      bench.base.installation.catalog.settings.set('unattended', file);
      bench.base.keyAgent.problems.set('unwrap', kind);
      await bench.pass(day);
      assert.deepEqual(bench.kinds(), []);
      for (let hours = 0; hours < 23; hours += 1) await bench.pass(hour);
      assert.deepEqual(bench.kinds(), []);
      await bench.pass(hour);
      assert.deepEqual(bench.kinds(), ['passkeyFailing warning']);
      bench.base.installation.catalog.settings.remove('unattended');
      bench.lock();
      assert.deepEqual(bench.kinds(), ['passkeyFailing error'], 'locked, and nothing else opens by itself');
      bench.base.keyAgent.problems.clear();
      await bench.base.installation.unlock({}, undefined, signal);
      bench.watch.stateChanged();
      assert.deepEqual(bench.kinds(), []);
    });
  }

  it('waits with what passes where another key service opens, and does not where that fails as well', async () => {
    await using bench = await WatchBench.start();
    await bench.add('vault', vaultKey);
    const kms = await bench.add('kms', kmsKey);
    await bench.pass(minute);
    bench.base.keyAgent.latestVersion = 2;
    bench.base.keyAgent.problems.set('unwrap', 'unreachable');
    await bench.pass(day);
    assert.equal(bench.kinds().length, 2, 'neither opens');
    bench.base.keyAgent.problems.clear();
    await bench.base.installation.passkeys.verify(kms, {}, signal);
    bench.watch.changed();
    assert.deepEqual(bench.kinds(), []);
  });

  it('verifies shortly after it was unlocked and once a day, by hand counts too, and while locked asks nobody', async () => {
    await using bench = await WatchBench.start();
    const slotId = await bench.add('vault', vaultKey);
    bench.calls();
    await bench.pass(minute);
    assert.equal(bench.calls(), 1);
    for (let hours = 0; hours < 23; hours += 1) await bench.pass(hour);
    assert.equal(bench.calls(), 0);
    await bench.pass(hour);
    assert.equal(bench.calls(), 1);
    await bench.pass(20 * hour);
    await bench.base.installation.passkeys.verify(slotId, {}, signal);
    bench.calls();
    await bench.pass(5 * hour);
    assert.equal(bench.calls(), 0);
    await bench.pass(19 * hour);
    assert.equal(bench.calls(), 1);
    bench.lock();
    for (let days = 0; days < 3; days += 1) await bench.pass(day);
    assert.equal(bench.base.keyAgent.calls.length, 0);
    await bench.unlock();
    await bench.pass(minute);
    assert.equal(bench.calls(), 1);
    await bench.restart();
    await bench.unlock();
    await bench.pass(minute);
    assert.equal(bench.calls(), 1);
  });

  it('looks every hour while something is wrong, and refreshes what the service says of the key', async () => {
    await using bench = await WatchBench.start();
    await bench.add('vault', vaultKey);
    await bench.pass(minute);
    bench.base.keyAgent.latestVersion = 3;
    bench.base.keyAgent.minDecryptionVersion = 2;
    await bench.pass(day);
    const row = bench.base.installation.passkeys.describe(bench.base.installation.passkeys.resolve('vault'));
    assert.match(row.warnings.join(' '), /Vault key version 3, passkey at 1\. Vault decrypts no version below 2/);
    bench.calls();
    for (let hours = 0; hours < 3; hours += 1) await bench.pass(hour);
    assert.equal(bench.calls(), 3);
  });

  it('asks for nothing that is retired, and tells nothing of it', async () => {
    await using bench = await WatchBench.start();
    const slotId = await bench.add('vault', vaultKey);
    bench.base.keyAgent.problems.set('unwrap', 'keyDisabled');
    await bench.pass(minute);
    assert.equal(bench.kinds().length, 1);
    await bench.base.installation.passkeys.retire(slotId, { confirmed: true }, signal);
    bench.watch.changed();
    assert.deepEqual(bench.kinds(), []);
    bench.calls();
    await bench.pass(2 * day);
    assert.equal(bench.calls(), 0);
  });

  it('ends what it asks for when the daemon is locked', async () => {
    await using bench = await WatchBench.start();
    await bench.add('vault', vaultKey);
    const asked = Promise.withResolvers<AbortSignal>();
    bench.base.keyAgent.call = (_call, _secrets, given) => {
      asked.resolve(given);
      return new Promise((_resolve, reject) => given.addEventListener('abort', () => reject(given.reason)));
    };
    await bench.pass(minute);
    const given = await asked.promise;
    assert.equal(given.aborted, false);
    bench.lock();
    await bench.settle();
    assert.equal(given.aborted, true);
    assert.deepEqual([bench.failures, bench.kinds()], [[], []]);
  });

  it('tells of a passphrase that was damaged, until it works again', async () => {
    await using bench = await WatchBench.start();
    const { passkeys } = bench.base.installation.catalog;
    const { slotId } = bench.base.installation.passkeys.resolve('spare');
    passkeys.change(slotId, { state: 'failing' });
    bench.watch.changed();
    assert.deepEqual(
      bench.told().map(({ kind, severity, subject, message }) => [kind, severity, subject, message]),
      [['passkeyFailing', 'warning', 'spare', 'The passkey spare failed its last verification.']],
    );
    passkeys.change(slotId, { state: 'ready' });
    bench.watch.changed();
    assert.deepEqual(bench.kinds(), []);
  });
});

describe('a key outside that is ended while it is needed', () => {
  const until = '2026-02-01T00:00:00.000Z';
  const table = [
    ['keyDisabled', kmsKey, /was disabled/, /aws kms enable-key --key-id arn:aws:kms:/, null],
    ['pendingDeletion', kmsKey, /is going to be deleted on 2026-02-01 00:00 UTC.*undone until 2026-02-01/, /cancel-key-deletion/, until],
    ['keyMissing', vaultKey, /was deleted.*can not be undone/, /add/, null],
    ['versionTooOld', vaultKey, /min_decryption_version/, /vault write .* min_decryption_version=1 and then/, null],
    ['versionTrimmed', vaultKey, /was trimmed.*can not be undone/, /add/, null],
  ] as const;
  for (const [kind, key, message, fix, safeUntil] of table) {
    it(`D1 D2: ${kind} says what is lost and until when it can be undone, until it is cured`, async () => {
      await using bench = await WatchBench.start();
      const { installation, keyAgent } = bench.base;
      const slotId = await bench.add('outside', key, true);
      assert.equal(bench.mayGo(slotId), false);
      keyAgent.until = until;
      keyAgent.problems.set('unwrap', kind);
      await bench.pass(minute);
      const [alert, second] = bench.told();
      assert.deepEqual([alert?.kind, alert?.severity, alert?.safeUntil], ['keyEndangered', 'error', safeUntil]);
      assert.equal(second, undefined, 'one cause is told once');
      assert.match(alert?.message ?? '', message);
      assert.match(alert?.message ?? '', /2 other keys or passphrases still open/);
      assert.match(alert?.fix ?? '', fix);
      for (const name of ['main', 'spare']) {
        installation.catalog.passkeys.change(installation.passkeys.resolve(name).slotId, { state: 'unverified' });
      }
      bench.watch.changed();
      assert.match(bench.told()[0]?.message ?? '', /everything that is stored is lost/);
      keyAgent.problems.clear();
      await bench.pass(hour);
      assert.deepEqual(bench.kinds(), []);
    });
  }

  it('D2: is seen where the minimum is raised, and resolves itself where it is lowered again', async () => {
    await using bench = await WatchBench.start();
    await bench.add('vault', vaultKey, true);
    bench.base.keyAgent.latestVersion = 2;
    bench.base.keyAgent.minDecryptionVersion = 2;
    await bench.pass(minute);
    assert.deepEqual(bench.kinds(), ['keyEndangered error']);
    bench.base.keyAgent.minDecryptionVersion = 1;
    await bench.pass(hour);
    assert.deepEqual(bench.kinds(), []);
  });

  it('is a failure like others once nothing needs it', async () => {
    await using bench = await WatchBench.start();
    const { installation, keyAgent } = bench.base;
    const slotId = await bench.add('kms', kmsKey, true);
    keyAgent.problems.set('unwrap', 'keyDisabled');
    await bench.pass(minute);
    await installation.passkeys.use('main', signal);
    assert.ok(bench.mayGo(slotId));
    bench.watch.changed();
    assert.deepEqual(bench.kinds(), ['passkeyFailing warning']);
  });
});

describe('the token of a passkey at Vault', () => {
  const token = (changes: Partial<VaultTokenFacts> & { readonly days: number }, from: Date): VaultTokenFacts => {
    const { days, ...more } = changes;
    return { creationTtl: 30 * 86_400, renewable: true, ...more, expiresAt: new Date(from.getTime() + days * day).toISOString() };
  };

  it('is renewed when less than a half of its life is left, and nobody is told', async () => {
    await using bench = await WatchBench.start();
    const { keyAgent } = bench.base;
    keyAgent.token = token({ days: 30 }, bench.base.now);
    keyAgent.renewed = () => token({ days: 30 }, bench.base.now);
    await bench.add('vault', vaultKey);
    for (let days = 0; days < 14; days += 1) await bench.pass(day);
    assert.equal(bench.calls('renewToken'), 0);
    for (let days = 0; days < 2; days += 1) await bench.pass(day);
    assert.equal(bench.calls('renewToken'), 1);
    for (let days = 0; days < 60; days += 1) await bench.pass(day);
    assert.ok(bench.calls('renewToken') >= 3);
    assert.deepEqual([bench.kinds(), bench.failures], [[], []]);
  });

  it('that has a life of minutes is renewed in time', async () => {
    await using bench = await WatchBench.start();
    const { keyAgent } = bench.base;
    const short = (): VaultTokenFacts => token({ days: 20 / 1440, creationTtl: 1200 }, bench.base.now);
    keyAgent.token = short();
    keyAgent.renewed = short;
    await bench.add('vault', vaultKey);
    for (let minutes = 0; minutes < 120; minutes += 1) {
      await bench.pass(minute);
      assert.ok(Date.parse(keyAgent.token.expiresAt ?? '') > bench.base.now.getTime() + 5 * minute);
    }
    assert.deepEqual(bench.kinds(), []);
  });

  it('that renewal no longer lengthens is told when a third of its life is left, until there is a new one; a restart forgets nothing', async () => {
    await using bench = await WatchBench.start();
    const { keyAgent } = bench.base;
    keyAgent.token = token({ days: 14 }, bench.base.now);
    await bench.add('vault', vaultKey);
    await bench.pass(minute);
    assert.equal(bench.calls('renewToken'), 1);
    assert.deepEqual(bench.kinds(), [], 'nearly half of it is left');
    await bench.restart();
    await bench.unlock();
    for (let days = 0; days < 4; days += 1) await bench.pass(day);
    assert.equal(bench.calls('renewToken'), 0);
    await bench.pass(hour);
    const [alert] = bench.told();
    assert.deepEqual([alert?.kind, alert?.severity, alert?.safeUntil], ['passkeyFailing', 'warning', keyAgent.token.expiresAt]);
    assert.match(alert?.message ?? '', /^The token with which the passkey vault is opened ends on 2026-01-16/);
    for (let days = 0; days < 9; days += 1) await bench.pass(day);
    assert.deepEqual(bench.kinds(), ['passkeyFailing error'], 'in its last day, where nothing else opens by itself');
    keyAgent.token = token({ days: 30 }, bench.base.now);
    await bench.pass(hour);
    assert.deepEqual(bench.kinds(), []);
  });

  for (const [title, prepare] of [
    ['can not be renewed', (bench: WatchBench) => void (bench.base.keyAgent.token = token({ days: 6, renewable: false }, bench.base.now))],
    [
      'may not renew itself',
      (bench: WatchBench) => {
        bench.base.keyAgent.token = token({ days: 6 }, bench.base.now);
        bench.base.keyAgent.problems.set('renewToken', 'accessDenied');
      },
    ],
  ] as const) {
    it(`that ${title} is told when less than 7 days are left`, async () => {
      await using bench = await WatchBench.start();
      prepare(bench);
      await bench.add('vault', vaultKey);
      await bench.pass(minute);
      assert.deepEqual(bench.kinds(), ['passkeyFailing warning']);
      assert.equal(bench.base.installation.passkeys.resolve('vault').state, 'ready');
    });
  }

  it('whose renewal Vault is too busy for is tried again, and not told yet', async () => {
    await using bench = await WatchBench.start();
    const { keyAgent } = bench.base;
    keyAgent.token = token({ days: 6 }, bench.base.now);
    keyAgent.renewed = () => token({ days: 30 }, bench.base.now);
    keyAgent.problems.set('renewToken', 'throttled');
    await bench.add('vault', vaultKey);
    await bench.pass(minute);
    await bench.pass(minute);
    assert.equal(bench.calls('renewToken'), 1);
    keyAgent.problems.clear();
    await bench.pass(6 * hour);
    assert.equal(bench.calls('renewToken'), 1);
    assert.deepEqual(bench.kinds(), []);
    await bench.pass(day);
    assert.equal(bench.calls('renewToken'), 0);
  });
});

describe('rotation by itself', () => {
  it('comes when its time has, as an action that everybody sees, and goes on with the new passkey', async () => {
    await using bench = await WatchBench.start();
    await byItself(bench);
    await bench.pass(89 * day);
    assert.deepEqual(bench.actions, []);
    await bench.pass(day);
    assert.deepEqual(
      bench.actions.map(({ kind, subject, startedBy, state }) => [kind, subject, startedBy, state]),
      [['rotatePasskey', 'vault', 'schedule', 'complete']],
    );
    const { passkeys } = bench.base.installation;
    const now = passkeys.describe(passkeys.resolve('vault'));
    assert.deepEqual([now.inUse, now.reference['version']], [true, 2]);
    assert.equal(passkeys.resolve('vault@v1').state, 'ready', 'the old one stays');
    assert.equal(bench.base.keyAgent.minDecryptionVersion, 1, 'and so does what it needs outside');
    await bench.pass(89 * day);
    assert.equal(bench.actions.length, 1);
    await bench.pass(day);
    assert.equal(bench.actions.length, 2);
    assert.deepEqual(bench.kinds(), []);
  });

  it('D3: follows no passkey that keyrings leave out by another one', async () => {
    await using bench = await WatchBench.start();
    await byItself(bench, false);
    const { catalog, passkeys } = bench.base.installation;
    const { slotId } = passkeys.resolve('vault');
    catalog.passkeys.change(slotId, { leftKeyringsAt: bench.base.now.toISOString() });
    await bench.pass(91 * day);
    assert.deepEqual(bench.actions, []);
    await passkeys.use('vault', signal);
    await bench.pass(day);
    assert.notEqual(passkeys.resolve('vault').slotId, slotId, 'taken back, it is followed');
  });

  it('wraps anew where somebody else has rotated the key, and leaves in use what is', async () => {
    await using bench = await WatchBench.start();
    await byItself(bench, false);
    bench.base.keyAgent.latestVersion = 3;
    await bench.pass(day);
    assert.deepEqual(bench.actions, [], 'not before its time');
    await bench.pass(89 * day);
    const { passkeys } = bench.base.installation;
    assert.equal(passkeys.describe(passkeys.resolve('vault')).reference['version'], 3);
    assert.equal(bench.base.keyAgent.latestVersion, 3);
    assert.equal(bench.base.installation.catalog.passkeys.inUse()?.name, 'main');
  });

  it('tells the command for a step that is for somebody else, tries once a day, and goes on when that was done', async () => {
    await using bench = await WatchBench.start();
    await byItself(bench);
    bench.base.keyAgent.problems.set('rotateKey', 'accessDenied');
    await bench.pass(90 * day);
    for (let hours = 0; hours < 23; hours += 1) await bench.pass(hour);
    assert.deepEqual(
      bench.actions.map(({ state }) => state),
      ['failed'],
    );
    const [alert] = bench.told();
    assert.deepEqual([alert?.kind, alert?.severity], ['passkeyFailing', 'warning']);
    assert.match(
      alert?.fix ?? '',
      /^Have this run: do rotateKey and it goes on by itself within a day, or at once with "holdfast passkey rotate vault"\.$/,
    );
    await bench.restart();
    assert.equal(bench.kinds().length, 1);
    await bench.unlock();
    await bench.pass(hour);
    assert.equal(bench.actions.length, 2);
    bench.base.keyAgent.latestVersion = 2;
    await bench.pass(day);
    assert.deepEqual([bench.actions.at(-1)?.state, bench.kinds()], ['complete', []]);
  });

  it('C9: never takes a KMS key that somebody else made without its policy having been read, and asks about it by its ARN', async () => {
    await using bench = await WatchBench.start();
    await bench.add('kms', kmsKey);
    await bench.base.installation.passkeys.schedule('kms', 90, signal);
    const { keyAgent } = bench.base;
    keyAgent.problems.set('createSuccessor', 'accessDenied');
    await bench.pass(90 * day);
    assert.equal(
      bench.told()[0]?.fix,
      'Have this run: do createSuccessor and within a day it goes on by itself where it may read who may use the new key (kms:GetKeyPolicy, kms:ListGrants), and else asks you about that key, as with the smallest policy. At once: "holdfast passkey rotate kms".',
    );
    keyAgent.problems.set('checkSuccessor', 'accessDenied');
    keyAgent.aliasArn = arnOf(7);
    await bench.pass(day);
    const { passkeys } = bench.base.installation;
    assert.notEqual(passkeys.describe(passkeys.resolve('kms')).reference['keyArn'], arnOf(7));
    assert.match(bench.told()[0]?.fix ?? '', new RegExp(`--key-arn ${arnOf(7)}\\.$`));
    keyAgent.problems.delete('checkSuccessor');
    await bench.pass(day);
    assert.deepEqual([passkeys.describe(passkeys.resolve('kms')).reference['keyArn'], bench.kinds()], [arnOf(7), []]);
  });

  it('says that the next KMS key has to be named by hand where no alias hands it over', async () => {
    await using bench = await WatchBench.start();
    await bench.add('kms', kmsKey);
    await bench.base.installation.passkeys.schedule('kms', 90, signal);
    bench.base.keyAgent.aliasArn = arnOf(7);
    bench.base.keyAgent.problems.set('createSuccessor', 'accessDenied').set('checkSuccessor', 'notOurs');
    await bench.pass(90 * day);
    assert.match(bench.told()[0]?.fix ?? '', /^Have this run: do createSuccessor and rotate the passkey by hand with --key-arn/);
  });

  it('waits while the key service is away', async () => {
    await using bench = await WatchBench.start();
    await byItself(bench);
    bench.base.keyAgent.problems.set('*', 'sealed');
    await bench.pass(90 * day);
    assert.deepEqual([bench.actions, bench.kinds()], [[], ['passkeyFailing warning']]);
    bench.base.keyAgent.problems.clear();
    await bench.pass(hour);
    assert.deepEqual(
      bench.actions.map(({ state }) => state),
      ['complete'],
    );
  });
});
