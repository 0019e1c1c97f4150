import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { ServiceSlot } from '../../../daemon/keys/agent/keyAccess.ts';
import type { KeyringCandidate } from '../../../daemon/keys/keyringCandidates.ts';
import { type KeyringSearchResult, searchKeyrings } from '../../../daemon/keys/keyringSearch.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import { namedKeys } from '../../../daemon/keys/namedKeys.ts';
import { wrapWithService } from '../../../daemon/keys/passkeys/serviceSlot.ts';
import type { AskToGoOn } from '../../../daemon/keys/slotTrials.ts';
import type { Slot } from '../../../daemon/keys/slot.ts';
import { idOf, type SlotId } from '../../../protocol/ids.ts';
import type { KeyAccess, KeyTarget } from '../../../protocol/keyServices.ts';
import { flagsToConfirm } from '../../../protocol/namedKeys.ts';
import { FakeKeyAgent } from '../../support/fakeKeyAgent.ts';
import { FakeScrypt } from './support/fakeScrypt.ts';
import { candidateOf, createdAt, installationId, newKeyring, newSlot, vaultSlot } from './support/keyrings.ts';

const { signal } = new AbortController();
const masterKey = MasterKey.generate(installationId);
const foreignKey = MasterKey.generate(installationId);
const vault: KeyTarget = { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' };
const access: KeyAccess = { kind: 'vaultTransit', login: { method: 'given' }, caFile: null };
const kms: KeyTarget = { kind: 'awsKms', keyId: `arn:aws:kms:eu-west-1:123456789012:key/${randomUUID()}`, region: 'eu-west-1' };
const kmsAccess: KeyAccess = { kind: 'awsKms', endpoint: null, credentials: { source: 'chain' } };

class Bench {
  readonly agent = new FakeKeyAgent();
  readonly asked: number[] = [];

  async wrap(target: KeyTarget = vault): Promise<ServiceSlot> {
    const reach = { agent: this.agent, access: target.kind === 'awsKms' ? kmsAccess : access, secrets: {}, signal };
    return await wrapWithService({ masterKey, target, createdAt, ...reach });
  }

  async search(
    candidates: readonly KeyringCandidate[],
    target: KeyTarget = vault,
    askToGoOn: AskToGoOn = async (count) => this.asked.push(count) > 0,
  ): Promise<KeyringSearchResult> {
    const confirmed = { target, access: target.kind === 'awsKms' ? kmsAccess : access, agent: this.agent, secrets: () => ({}) };
    return await searchKeyrings({ installationId, candidates, confirmed, askToGoOn, signal });
  }

  get sent(): number {
    return this.agent.calls.filter((call) => call === 'unwrap').length;
  }
}

/** A slot of somebody who can write to the store, in perfect form. */
function forged(reference: object = {}): Slot {
  assert.equal(vaultSlot.kind, 'vaultTransit');
  const { address, namespace, mount, key } = vault.kind === 'vaultTransit' ? vault : assert.fail();
  return {
    ...vaultSlot,
    slotId: idOf<SlotId>(randomUUID()),
    masterKeyId: randomBytes(16).toString('base64'),
    reference: { address, namespace, mount, key, version: 1, ...reference },
  };
}

function foreign(sequence: number, ...slots: readonly Slot[]): KeyringCandidate {
  return candidateOf(newKeyring(foreignKey, sequence, slots), null);
}

describe('the search for a keyring with a key outside', () => {
  it('opens with the very key that the user named, by whatever version of it, and says which slot did', async () => {
    const bench = new Bench();
    const old = await bench.wrap();
    bench.agent.latestVersion = 2;
    const slot = await bench.wrap();
    const result = await bench.search([candidateOf(newKeyring(masterKey, 2, [slot])), candidateOf(newKeyring(masterKey, 1, [old]))]);
    assert.equal(result.newest?.keyring.sequence, 2);
    assert.deepEqual(result.opened, [slot]);
    assert.equal(bench.sent, 1);
    const own = await bench.wrap(kms);
    const byKms = await bench.search([candidateOf(newKeyring(masterKey, 3, [slot, own]))], kms);
    assert.deepEqual(byKms.opened, [own]);
  });

  it('C9: sends nothing to any other key, address, mount, namespace or region, however many keyrings name one', async () => {
    const bench = new Bench();
    const slot = await bench.wrap();
    const others = [
      { address: 'https://vault.attacker.example' },
      { address: 'https://vault.example:8201' },
      { address: 'https://vault.example/' },
      { address: 'HTTPS://vault.example' },
      { mount: 'transit2' },
      { namespace: 'root' },
      { key: 'holdfast2' },
    ];
    const crowd = Array.from({ length: 1000 }, (_, index) => foreign(100 + index, forged(others[index % others.length])));
    const result = await bench.search([...crowd, candidateOf(newKeyring(masterKey, 1, [slot, forged({ key: 'mine' })]))]);
    assert.equal(result.newest?.keyring.sequence, 1);
    assert.equal(bench.sent, 1);
    await assert.rejects(bench.search(crowd), { code: 'unknownName' });
    assert.equal(bench.sent, 1);
    const elsewhere = await bench.wrap({ ...kms, region: 'us-east-1' });
    await assert.rejects(bench.search([candidateOf(newKeyring(masterKey, 1, [elsewhere]))], kms), { code: 'unknownName' });
    assert.equal(bench.sent, 1);
  });

  it('C9: slots that name the very key block nothing: one of each keyring in turn, each once, and a question after each 8', async () => {
    const bench = new Bench();
    const slot = await bench.wrap();
    const same = forged();
    const greedy = foreign(99, ...Array.from({ length: 30 }, () => forged()));
    const crowd = Array.from({ length: 10 }, (_, index) => foreign(50 + index, forged()));
    const twice = [70, 71, 72].map((sequence) => foreign(sequence, same));
    // Its id is the true one's, its content is not.
    const double = foreign(80, { ...forged(), slotId: slot.slotId });
    const result = await bench.search([greedy, ...crowd, ...twice, double, candidateOf(newKeyring(masterKey, 1, [slot]))]);
    assert.equal(result.newest?.keyring.sequence, 1);
    assert.equal(bench.sent, 1 + crowd.length + 1 + 1 + 1);
    assert.deepEqual(bench.asked, [8]);
    await assert.rejects(
      bench.search([...crowd, ...twice], vault, () => Promise.resolve(false)),
      { code: 'cancelled', details: { attempts: 8 } },
    );
  });

  it('C9: a forged keyring around the true slot gives the key away to nobody and is not believed', async () => {
    const bench = new Bench();
    const slot = await bench.wrap();
    const result = await bench.search([foreign(9, slot), candidateOf(newKeyring(masterKey, 1, [slot]))]);
    assert.equal(result.newest?.keyring.sequence, 1);
    assert.deepEqual(
      result.findings.map(({ kind }) => kind),
      ['notAuthentic'],
    );
  });

  it('D7: another plaintext opens nothing, and why is told once all have been tried', async () => {
    const bench = new Bench();
    const slot = await bench.wrap();
    const candidates = [candidateOf(newKeyring(masterKey, 1, [slot]))];
    for (const lie of [() => Uint8Array.from(randomBytes(33)), () => undefined, (bytes: Uint8Array<ArrayBuffer>) => bytes.fill(7, 20)]) {
      bench.agent.lie = lie;
      await assert.rejects(bench.search(candidates), {
        code: 'keyServiceRefused',
        details: { problem: 'badAnswer', attempts: 1, findings: [] },
      });
    }
    bench.agent.lie = undefined;
    assert.equal((await bench.search(candidates)).newest?.keyring.sequence, 1);
  });

  it('D6: a key that can open nothing at all ends the search at its first slot', async () => {
    for (const problem of ['unreachable', 'tokenExpired', 'sealed', 'keyDisabled', 'certificate'] as const) {
      const bench = new Bench();
      const candidates = [foreign(9, forged()), candidateOf(newKeyring(masterKey, 1, [await bench.wrap()]))];
      bench.agent.problems.set('unwrap', problem);
      await assert.rejects(bench.search(candidates), { reason: `it is ${problem}` });
      assert.equal(bench.sent, 1);
    }
  });

  it('a passphrase touches no key outside, and a key outside no passphrase', async () => {
    const bench = new Bench();
    const [slot, scrypt] = [await bench.wrap(), new FakeScrypt()];
    const phrase = await newSlot(masterKey, 'right', scrypt);
    const candidates = [candidateOf(newKeyring(masterKey, 1, [slot, phrase]))];
    const passphrase = new TextEncoder().encode('right');
    const found = await searchKeyrings({ installationId, candidates, passphrase, scrypt, askToGoOn: async () => true, signal });
    assert.deepEqual([found.opened, bench.sent], [[phrase], 0]);
    assert.deepEqual((await bench.search(candidates)).opened, [slot]);
  });
});

describe('the keys that keyrings name', () => {
  it('C9: are listed without a word to any, the oldest first, each once, with what confirms it', async () => {
    const bench = new Bench();
    const slots = [await bench.wrap(), await bench.wrap(kms)];
    const own = candidateOf(newKeyring(masterKey, 1, slots), new Date('2026-01-01T00:00:00Z'));
    const later = candidateOf(newKeyring(masterKey, 2, slots), new Date('2026-01-02T00:00:00Z'));
    const crowd = Array.from({ length: 30 }, (_, index) =>
      candidateOf(newKeyring(foreignKey, 100 + index, [forged({ key: `k${index}` })]), new Date('2026-01-03T00:00:00Z')),
    );
    const { references, left } = await namedKeys({ installationId, candidates: [...crowd, later, own], signal });
    assert.deepEqual(references.slice(0, 2), [
      { target: vault, since: '2026-01-01T00:00:00.000Z', keyrings: 2 },
      { target: kms, since: '2026-01-01T00:00:00.000Z', keyrings: 2 },
    ]);
    assert.deepEqual([references.length, left], [20, 12]);
    assert.deepEqual(
      references.slice(0, 2).map(({ target }) => flagsToConfirm(target)),
      ['--address https://vault.example --key holdfast', `--key-arn ${kms.keyId} --region eu-west-1`],
    );
    assert.equal(bench.sent, 0);
  });

  it('C9: are none of those whose names are no names: what would act on a terminal or a shell', async () => {
    const bad = [
      { key: '\u001b[2J' },
      { key: '$(reboot)' },
      { mount: '../sys' },
      { namespace: 'a b' },
      { address: 'https://user:word@vault.example' },
      { address: 'http://vault.example' },
    ];
    const arn = { ...(await new Bench().wrap(kms)), reference: { keyArn: 'alias/moved', region: 'eu-west-1' } };
    const found = await namedKeys({
      installationId,
      candidates: [foreign(1, ...bad.map((one) => forged(one)), { ...arn, kind: 'awsKms' })],
    });
    assert.deepEqual(found, { references: [], left: 0 });
  });
});
