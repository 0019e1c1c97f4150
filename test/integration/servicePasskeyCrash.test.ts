import assert from 'node:assert/strict';
import { openStoredKeyrings } from '../../daemon/recovery/storedKeys.ts';
import { callSecrets, type ServiceSlotKey } from '../../daemon/installation/passkeys/slotKeys.ts';
import type { KeyTarget } from '../../protocol/keyServices.ts';
import { countCatalogWrites, countedFileSystem } from '../support/crashPoints.ts';
import { InstallationBench } from '../support/installationBench.ts';

const { signal } = new AbortController();
const vaultKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' },
  access: { kind: 'vaultTransit', login: { method: 'environment' }, caFile: null },
  credentials: undefined,
};
const kmsKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'awsKms', keyId: 'alias/backup', region: 'eu-west-1' },
  access: { kind: 'awsKms', endpoint: null, credentials: { source: 'chain' } },
  credentials: undefined,
};
const keys = { vaultTransit: vaultKey, awsKms: kmsKey } as const;

type Scenario = 'add' | 'rotate' | 'retire';

/** The process is gone: nothing that it does from then on reaches the disk. */
class Killed extends Error {
  override readonly name = 'Killed';
}

/** A passphrase and a location; but for `add`, the key too, in use; for `retire`, rotated once. */
async function prepared(kind: keyof typeof keys, scenario: Scenario, reached: (step: string) => void): Promise<InstallationBench> {
  // Bytes that are not under their name yet are as good as none: the put of a keyring is the naming.
  const fileSystem = countedFileSystem((step) => {
    if (step === 'link' || step === 'rename') reached(step);
  });
  const bench = await InstallationBench.ready({ fileSystem });
  await bench.addLocation();
  const { passkeys } = bench.installation;
  if (scenario !== 'add') await passkeys.add('key', keys[kind], true, signal);
  if (scenario === 'retire') await passkeys.rotate('key', {}, signal);
  return bench;
}

async function act(bench: InstallationBench, kind: keyof typeof keys, scenario: Scenario): Promise<unknown> {
  const { passkeys } = bench.installation;
  if (scenario === 'add') return await passkeys.add('key', keys[kind], true, signal);
  if (scenario === 'rotate') return await passkeys.rotate('key', {}, signal);
  const old = passkeys.list({}).items.find(({ name }) => name.startsWith('key@'));
  return await passkeys.retire(old?.slotId ?? '', { confirmed: true, outside: 'end' }, signal);
}

/** Kills at one step, and gives what is left; `undefined` where it ended before that step. */
async function killedAt(step: number, kind: keyof typeof keys, scenario: Scenario): Promise<InstallationBench | undefined> {
  let left = Number.POSITIVE_INFINITY;
  const reached = (): void => {
    left -= 1;
    if (left <= 0) throw new Killed();
  };
  using counting = countCatalogWrites(reached);
  const bench = await prepared(kind, scenario, reached);
  left = step;
  await act(bench, kind, scenario).catch((error: unknown) => {
    if (left > 0) throw error;
  });
  const isKilled = left <= 0;
  counting[Symbol.dispose]();
  if (isKilled) return bench;
  bench[Symbol.dispose]();
  return undefined;
}

/** A key that must open the master key from what is stored alone. */
async function assertOpensStored(bench: InstallationBench, target: KeyTarget, access: ServiceSlotKey['access']): Promise<void> {
  const { catalog } = bench.installation;
  const [location] = catalog.locations.list();
  const installationId = catalog.installation.get()?.installationId ?? assert.fail();
  const store = await bench.open(location?.locationId ?? assert.fail());
  const confirmed = { target, access, agent: bench.keyAgent, secrets: () => callSecrets(undefined) };
  const found = await openStoredKeyrings({
    store,
    installationId,
    secret: { confirmed },
    passkey: undefined,
    scrypt: bench.scrypt,
    tries: 8,
    signal,
  });
  for (const masterKey of found.masterKeys.values()) masterKey[Symbol.dispose]();
  assert.ok(found.newest !== undefined);
}

describe('a crash while passkeys of key services change', function () {
  this.timeout(120_000);

  for (const kind of ['vaultTransit', 'awsKms'] as const) {
    for (const scenario of ['add', 'rotate', 'retire'] as const) {
      it(`X2: at any write of ${scenario} of ${kind} leaves what opens the master key, and the same again ends it`, async () => {
        let step = 1;
        for (; ; step += 1) {
          using killed = await killedAt(step, kind, scenario);
          if (killed === undefined) break;
          await assertGoesOn(killed, kind, scenario).catch((error: unknown) => {
            throw new Error(`After a crash before step ${step} of ${scenario} of ${kind}`, { cause: error });
          });
        }
        assert.ok(step > (scenario === 'retire' ? 3 : 5), `${step} steps`);
      });
    }
  }
});

async function assertGoesOn(killed: InstallationBench, kind: keyof typeof keys, scenario: Scenario): Promise<void> {
  const { keyAgent, state } = killed;
  using bench = new InstallationBench({ keyAgent, stateFrom: state });
  const { installation } = bench;
  const { passkeys } = installation;
  const { access } = keys[kind];
  const targetOfKey = (number: number): KeyTarget =>
    kind === 'vaultTransit'
      ? vaultKey.target
      : {
          kind: 'awsKms',
          keyId: `arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-00000000000${number}`,
          region: 'eu-west-1',
        };

  // Whatever was verified before opens it by itself, here and from what is stored; the passphrase does in any case.
  if (scenario !== 'add') {
    await installation.unlock({}, undefined, signal);
    await assertOpensStored(bench, targetOfKey(scenario === 'rotate' ? 1 : 2), access);
    installation.lock();
  }
  await installation.unlock({ passphrase: Buffer.from('right') }, 'main', signal);
  assert.equal(passkeys.list({}).items.filter(({ inUse }) => inUse).length, 1);

  const before = passkeys.list({}).items;
  const named = before.find(({ name }) => name === 'key');
  if (scenario === 'add') {
    if (named === undefined) await act(bench, kind, scenario);
    else await passkeys.verify('key', {}, signal);
    await passkeys.use('key', signal);
  } else if (scenario === 'retire' || !before.some(({ name }) => name.startsWith('key@'))) {
    await act(bench, kind, scenario);
  }

  const after = passkeys.list({}).items;
  const inUse = after.filter((one) => one.inUse);
  assert.deepEqual([inUse.length, inUse[0]?.name, inUse[0]?.state], [1, 'key', 'ready']);
  assert.equal(after.filter(({ state: is }) => is === 'unverified' || is === 'failing').length, 0, 'nothing is left half done');
  assert.equal(after.filter((one) => one.kind === kind).length, scenario === 'add' ? 1 : 2);
  const old = after.find(({ name }) => name.startsWith('key@'));
  if (scenario === 'rotate') assert.equal((await passkeys.verify(old?.slotId ?? '', {}, signal)).state, 'ready');
  if (scenario === 'retire') assert.equal(old?.state, 'retired');
  if (kind === 'vaultTransit') {
    assert.equal(keyAgent.latestVersion, scenario === 'add' ? 1 : 2, 'it was rotated once');
    if (scenario !== 'retire') assert.equal(keyAgent.minDecryptionVersion, 1);
  } else if (scenario !== 'add') {
    const second = targetOfKey(2);
    assert.ok(second.kind === 'awsKms');
    assert.deepEqual([keyAgent.aliasArn, inUse[0]?.reference['keyArn']], [second.keyId, second.keyId], 'no third key was made');
  }
  await assertOpensStored(bench, targetOfKey(scenario === 'add' ? 1 : 2), access);
  installation.lock();
  await installation.unlock({}, undefined, signal);
}
