import assert from 'node:assert/strict';
import type { InstallationBench as Bench } from '../../support/installationBench.ts';
import { InstallationBench } from '../../support/installationBench.ts';
import { kmsKey, vaultKey } from '../../support/watchBench.ts';

const { signal } = new AbortController();

/** What the service wraps is padded to so many bytes, and opens as before. */
function padded({ keyAgent }: Bench, length: number): void {
  const ask = keyAgent.call.bind(keyAgent);
  const thin = new Map<string, string>();
  keyAgent.call = async (call, secrets, asking) => {
    if (call.call === 'unwrap') {
      const slot = { ...call.slot, wrapped: thin.get(call.slot.wrapped) ?? call.slot.wrapped };
      return await ask({ ...call, slot }, secrets, asking);
    }
    const given = await ask(call, secrets, asking);
    const { wrapped } = given.answer;
    if (wrapped === null) return given;
    const fat = Buffer.alloc(length, thin.size + 1).toString('base64');
    thin.set(fat, wrapped.wrapped);
    return {
      answer: { ...given.answer, wrapped: { ...wrapped, wrapped: fat } },
      plaintext: given.plaintext,
      [Symbol.dispose]: () => given[Symbol.dispose](),
    };
  };
}

const kept = ({ installation }: Bench): readonly string[] =>
  installation.passkeys
    .list({})
    .items.filter(({ state }) => state !== 'retired')
    .map(({ name, state }) => `${name} ${state}`);

describe('the room that a keyring has for passkeys', () => {
  it('D7: what a key service has padded makes no passkey', async () => {
    using bench = await InstallationBench.ready();
    padded(bench, 1025);
    for (const key of [vaultKey, kmsKey]) {
      await assert.rejects(bench.installation.passkeys.add('fat', key, false, signal), {
        code: 'keyServiceRefused',
        reason: 'what it made of 41 bytes has 1025, and 1024 are enough for any key',
      });
    }
    assert.deepEqual(kept(bench), ['main ready']);
    padded(bench, 1024);
    await bench.installation.passkeys.add('just so', kmsKey, false, signal);
  });

  it('D7: is never overdrawn: the passkey that would is refused, nothing of it is written, and keyrings are delivered as before', async () => {
    using bench = await InstallationBench.ready();
    const { installation } = bench;
    const locationId = await bench.addLocation();
    padded(bench, 1024);
    // As long as names can be.
    const target = { ...vaultKey.target, mount: 'm'.repeat(255), key: 'k'.repeat(255), namespace: 'n'.repeat(255) };
    let made = 0;
    await assert.rejects(
      async () => {
        for (; made < 31; made += 1) await installation.passkeys.add(`v${made}`, { ...vaultKey, target }, false, signal);
      },
      { code: 'refusedByRule', fix: 'Retire one first.' },
    );
    assert.ok(made > 10, String(made));
    assert.equal(kept(bench).length, made + 1);
    assert.deepEqual([installation.keyrings.isBehind(locationId), bench.changes.includes('undelivered')], [false, false]);
    const longest = Math.max(...installation.catalog.keyrings.list().map(({ bytes }) => bytes.length));
    assert.ok(longest > 32 * 1024 && longest + 200 * 128 < 64 * 1024, `${longest} bytes, and 200 policies have room beside them`);
    await installation.passkeys.retire('v0', { confirmed: true }, signal);
    await installation.passkeys.add('paper', { kind: 'passphrase', passphrase: Buffer.from('on paper') }, false, signal);
    assert.equal(installation.keyrings.isBehind(locationId), false);
  });

  for (const key of [vaultKey, kmsKey]) {
    it(`is not used up by rotations of ${key.target.kind} that fail day after day`, async () => {
      using bench = await InstallationBench.ready();
      const { installation, keyAgent } = bench;
      await installation.passkeys.add('outside', key, true, signal);
      keyAgent.problems.set('unwrap', 'accessDenied');
      for (let days = 0; days < 4; days += 1) {
        await assert.rejects(installation.passkeys.rotate('outside', {}, signal), { code: 'keyServiceRefused' });
        assert.equal(kept(bench).length, 3, kept(bench).join(', '));
      }
      keyAgent.problems.clear();
      await installation.passkeys.rotate('outside', {}, signal);
      assert.deepEqual(
        kept(bench)
          .map((line) => line.replace(/@\S+/, '@old'))
          .toSorted(),
        ['main ready', 'outside ready', 'outside@old ready'],
      );
    });
  }
});
