import assert from 'node:assert/strict';
import { problemAnswer } from '../../../../daemon/keys/agent/keyAgent.ts';
import type { ServiceSlotKey } from '../../../../daemon/installation/passkeys/slotKeys.ts';
import { kmsKey, vaultKey, WatchBench } from '../../../support/watchBench.ts';

const hour = 3_600_000;
const day = 24 * hour;

const sealedKms: ServiceSlotKey = {
  ...kmsKey,
  access: { kind: 'awsKms', endpoint: null, credentials: { source: 'given' } },
  credentials: { kind: 'awsKms', accessKeyId: 'AKIA', secretAccessKey: 'canary' },
};
const sealedVault: ServiceSlotKey = {
  ...vaultKey,
  access: { kind: 'vaultTransit', login: { method: 'given' }, caFile: null },
  credentials: { kind: 'vaultTransit', token: 's.canary' },
};
const fromFile: ServiceSlotKey = {
  ...vaultKey,
  access: { kind: 'vaultTransit', login: { method: 'tokenFile', tokenFile: '/run/token' }, caFile: null },
};

describe('alerts about passkeys', () => {
  for (const [what, other, told] of [
    ['is a way in that needs nobody: what passes waits for a day', kmsKey, []],
    ['with sealed credentials is none: what passes is told at once', sealedKms, ['passkeyFailing warning']],
  ] as const) {
    it(`D6: another passkey at a key service ${what}`, async () => {
      await using bench = await WatchBench.start();
      const slotId = await bench.add('vault', vaultKey);
      await bench.add('other', other);
      const { keyAgent } = bench.base;
      const ask = keyAgent.call.bind(keyAgent);
      keyAgent.call = async (call, secrets, asking) =>
        call.call === 'unwrap' && call.slot.slotId === slotId
          ? problemAnswer('unreachable', 'it is away', 'Wait.')
          : await ask(call, secrets, asking);
      await bench.pass(day);
      assert.deepEqual(bench.kinds(), told);
    });
  }

  for (const [key, fix] of [
    [sealedVault, 'Give it a new one with "holdfast passkey verify vault --token-file F".'],
    [vaultKey, 'Give it a new one with "holdfast passkey verify vault --token-file F".'],
    [fromFile, 'Write a new token into /run/token, then run "holdfast passkey verify vault".'],
  ] as const) {
    it(`names the way to a new token in place of one that ends: ${fix}`, async () => {
      await using bench = await WatchBench.start();
      const expiresAt = new Date(bench.base.now.getTime() + 2 * day).toISOString();
      bench.base.keyAgent.token = { expiresAt, creationTtl: 30 * 86_400, renewable: false };
      await bench.add('vault', key);
      await bench.pass(hour);
      assert.deepEqual(
        bench.told().map(({ kind, fix: told }) => [kind, told]),
        [['passkeyFailing', fix]],
      );
    });
  }
});
