import assert from 'node:assert/strict';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import net from 'node:net';
import * as fc from 'fast-check';
import { DrKey } from '../../../daemon/keys/dr/drKey.ts';
import { authenticKeyrings } from '../../../daemon/keys/authenticKeyrings.ts';
import type { KeyringCandidate } from '../../../daemon/keys/keyringCandidates.ts';
import { inSearchOrder } from '../../../daemon/keys/keyringCandidates.ts';
import { keyringFolder } from '../../../daemon/keys/keyringName.ts';
import { type KeyringSearchRequest, type KeyringSearchResult, searchKeyrings } from '../../../daemon/keys/keyringSearch.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import type { PassphraseSlot } from '../../../daemon/keys/slot.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { idOf, type SlotId } from '../../../protocol/ids.ts';
import { FakeScrypt } from './support/fakeScrypt.ts';
import { candidateOf, createdAt, installationId, newKeyring, newSlot, storeId, utf8, vaultSlot } from './support/keyrings.ts';

const masterKey = MasterKey.generate(installationId);
const foreignKey = MasterKey.generate(installationId);
const making = new FakeScrypt();

async function search(candidates: readonly KeyringCandidate[], more: Partial<KeyringSearchRequest> = {}): Promise<KeyringSearchResult> {
  return searchKeyrings({
    installationId,
    candidates,
    passphrase: utf8('right'),
    scrypt: new FakeScrypt(),
    askToGoOn: () => Promise.resolve(true),
    ...more,
  });
}

function kinds(result: KeyringSearchResult): readonly string[] {
  return result.findings.map(({ kind }) => kind);
}

function nameAt(sequence: number): string {
  return `${keyringFolder(installationId)}${sequence.toString(16).padStart(16, '0')}-${randomBytes(16).toString('hex')}`;
}

function text(length: number): string {
  return randomBytes(length).toString('base64');
}

function foreignSlot(): PassphraseSlot {
  return {
    slotId: idOf<SlotId>(randomUUID()),
    kind: 'passphrase',
    keyEpoch: 1,
    masterKeyId: text(16),
    reference: { N: 2 ** 18, r: 8, p: 1, salt: text(32), commit: text(32) },
    createdAt: createdAt.toISOString(),
    wrapped: text(57),
  };
}

/** A keyring of somebody who can write to the store, in perfect form, with so many scrypt sets. */
function foreign(sequence: number, sets = 1): KeyringCandidate {
  return candidateOf(newKeyring(foreignKey, sequence, Array.from({ length: sets }, foreignSlot)));
}

function junk(sequence: number): KeyringCandidate {
  return { key: nameAt(sequence), lastModified: null, read: () => Promise.resolve(randomBytes(300)) };
}

describe('the search for a keyring', () => {
  it('finds the newest authentic one, and every master key that the passphrase opens', async () => {
    const slot = await newSlot(masterKey, 'right', making);
    const candidates = [3, 1, 2].map((sequence) => candidateOf(newKeyring(masterKey, sequence, [slot])));
    const scrypt = new FakeScrypt();
    const result = await search(candidates, { scrypt });
    assert.equal(result.newest?.keyring.sequence, 3);
    assert.deepEqual([...result.masterKeys.keys()], [Buffer.from(masterKey.masterKeyId).toString('hex')]);
    assert.equal(scrypt.count, 1);
    assert.deepEqual(result.findings, []);
  });

  it('C9: is not ended by junk, by the thousand, of every sort', async () => {
    const slot = await newSlot(masterKey, 'right', making);
    const noise = Array.from({ length: 3000 }, (_, index) => junk(100 + index));
    const unreadable: KeyringCandidate = { key: nameAt(50), lastModified: null, read: () => Promise.reject(new Error('no answer')) };
    const strayed = { ...candidateOf(newKeyring(masterKey, 9, [slot])), key: nameAt(60) };
    const authentic = candidateOf(newKeyring(masterKey, 5, [slot]));
    const notKeyrings = ['x', `${keyringFolder(installationId)}.tmp-1`, `${keyringFolder(installationId)}ffffffffffffffff`].map((key) => ({
      ...junk(1),
      key,
    }));
    const scrypt = new FakeScrypt();
    const result = await search([...noise, unreadable, strayed, authentic, ...notKeyrings], { scrypt });
    assert.equal(result.newest?.candidate, authentic);
    assert.equal(scrypt.count, 1);
    assert.equal(result.findings.filter(({ kind }) => kind === 'damaged').length, 3003);
    assert.deepEqual(
      result.findings.filter(({ kind }) => kind === 'unreadable').map(({ message }) => message),
      [`Failed to read keyring ${unreadable.key}: something went wrong that was not foreseen.`],
    );
  });

  it('C9: takes one untried scrypt set of each keyring in turn, and computes each once', async () => {
    const slot = await newSlot(masterKey, 'right', making);
    const sets = Array.from({ length: 20 }, foreignSlot);
    const greedy = candidateOf(newKeyring(foreignKey, 9, sets));
    const others = [8, 7, 6].map((sequence) => foreign(sequence));
    const sameFirstSet = [30, 31, 32].map((sequence) => candidateOf(newKeyring(foreignKey, sequence, sets.slice(0, 1))));
    const scrypt = new FakeScrypt();
    const questions: number[] = [];
    const askToGoOn = (count: number): Promise<boolean> => Promise.resolve(questions.push(count) > 0);
    const result = await search([greedy, ...others, ...sameFirstSet, candidateOf(newKeyring(masterKey, 1, [slot]))], { scrypt, askToGoOn });
    assert.equal(result.newest?.keyring.sequence, 1);
    // The first set once for all that carry it, the second of the greedy one, and one of each of the others.
    assert.equal(scrypt.count, 6);
    assert.equal(new Set(scrypt.salts).size, 6);
    assert.deepEqual(questions, []);
  });

  it('C9: asks after each 8 without success, with the count, and ends only when told to', async () => {
    const slot = await newSlot(masterKey, 'right', making);
    const crowd = Array.from({ length: 20 }, (_, index) => foreign(100 + index));
    const candidates = [...crowd, candidateOf(newKeyring(masterKey, 1, [slot]))];
    const asked: number[] = [];
    const result = await search(candidates, { askToGoOn: (count) => Promise.resolve(asked.push(count) > 0) });
    assert.deepEqual(asked, [8, 16]);
    assert.equal(result.newest?.keyring.sequence, 1);
    const scrypt = new FakeScrypt();
    await assert.rejects(search(candidates, { scrypt, askToGoOn: () => Promise.resolve(false) }), (error) =>
      HoldfastError.is(error, 'cancelled'),
    );
    assert.equal(scrypt.count, 8);
  });

  it('tries first what an authentic object names, then by descending sequence', async () => {
    const candidates = [1, 5, 3].map((sequence) => junk(sequence));
    const [first, second, third] = candidates;
    assert.deepEqual(inSearchOrder(installationId, candidates), [second, third, first]);
    assert.deepEqual(inSearchOrder(installationId, candidates, new Set([first?.key ?? ''])), [first, second, third]);
    const slot = await newSlot(masterKey, 'right', making);
    const named = candidateOf(newKeyring(masterKey, 1, [slot]));
    const scrypt = new FakeScrypt();
    await search([foreign(9), named], { scrypt, namedKeys: new Set([named.key]) });
    assert.equal(scrypt.count, 1);
  });

  it('C9: never contacts the service of a slot, and tells it apart from a passphrase slot', async () => {
    let connections = 0;
    const original = Object.getOwnPropertyDescriptor(net.Socket.prototype, 'connect');
    assert.ok(original !== undefined);
    const refuse = (): never => {
      connections += 1;
      throw new Error('nothing may be contacted');
    };
    Object.defineProperty(net.Socket.prototype, 'connect', { ...original, value: refuse });
    try {
      const scrypt = new FakeScrypt();
      const bait = candidateOf(newKeyring(foreignKey, 9, [vaultSlot]));
      await assert.rejects(search([bait], { scrypt }), (error) => HoldfastError.is(error, 'wrongSecret'));
      assert.equal(scrypt.count, 0);
      const slot = await newSlot(masterKey, 'right', making);
      const result = await search([bait, candidateOf(newKeyring(masterKey, 1, [slot]))]);
      assert.deepEqual(kinds(result), ['notAuthentic']);
      assert.equal(connections, 0);
    } finally {
      Object.defineProperty(net.Socket.prototype, 'connect', original);
    }
  });

  it('C8: a newer keyring with a real slot in it, but without the MAC, gives its master key and is not merged', async () => {
    const slot = await newSlot(masterKey, 'right', making);
    const authentic = candidateOf(newKeyring(masterKey, 5, [slot]));
    const forged = newKeyring(foreignKey, 9, [slot]);
    forged.set(masterKey.masterKeyId, 40);
    const result = await search([authentic, candidateOf(forged)]);
    assert.equal(result.newest?.candidate, authentic);
    assert.ok(result.masterKeys.has(Buffer.from(masterKey.masterKeyId).toString('hex')));
    assert.deepEqual(kinds(result), ['notAuthentic']);
  });

  it('C8: an older authentic keyring does not hide the newest, also where a forged one is opened first', async () => {
    const slot = await newSlot(masterKey, 'right', making);
    const rotated = await newSlot(masterKey, 'another', making);
    const newest = candidateOf(newKeyring(masterKey, 8, [rotated]));
    const forged = newKeyring(foreignKey, 3, [slot]);
    forged.set(masterKey.masterKeyId, 40);
    const result = await search([candidateOf(newKeyring(masterKey, 2, [slot])), newest, candidateOf(forged)]);
    assert.equal(result.newest?.candidate, newest);
    assert.deepEqual(kinds(result), ['notAuthentic']);
  });

  it('C8 C9: with the recovery key, tries and merges no keyring that it did not authenticate, whatever opens it', async () => {
    using drKey = DrKey.generate(installationId);
    using other = DrKey.generate(installationId);
    const slot = await newSlot(masterKey, 'right', making);
    const recovery = candidateOf(newKeyring(masterKey, 3, [slot], [], drKey));
    const without = candidateOf(newKeyring(masterKey, 9, [await newSlot(masterKey, 'right', making)]));
    const ofAnother = candidateOf(newKeyring(masterKey, 8, [await newSlot(masterKey, 'right', making)], [], other));
    const scrypt = new FakeScrypt();
    const candidates = [foreign(10, 4), without, ofAnother, recovery];
    const result = await search(candidates, { drKey, scrypt });
    assert.equal(result.newest?.candidate, recovery);
    assert.equal(scrypt.count, 1);
    assert.deepEqual(kinds(result), ['notRecovery', 'notRecovery', 'notRecovery']);
    assert.deepEqual(result.notes, []);
    const authentic = await authenticKeyrings({ installationId, candidates, masterKey, drKey, storeId });
    assert.deepEqual(
      authentic.map(({ candidate }) => candidate),
      [recovery],
    );
    assert.equal((await authenticKeyrings({ installationId, candidates, masterKey, storeId })).length, 3);
    await assert.rejects(search([without], { drKey, scrypt }), (error) => HoldfastError.is(error, 'damaged'));
    assert.equal(scrypt.count, 1);
  });

  it('notes that a recovery MAC was not checked where the recovery key is not held', async () => {
    using drKey = DrKey.generate(installationId);
    const slot = await newSlot(masterKey, 'right', making);
    const result = await search([candidateOf(newKeyring(masterKey, 3, [slot], [], drKey))]);
    assert.deepEqual([result.findings.length, result.notes.length], [0, 1]);
    assert.deepEqual((await search([candidateOf(newKeyring(masterKey, 3, [slot]))])).notes, []);
  });

  it('gives the master key even where no keyring holds', async () => {
    const slot = await newSlot(masterKey, 'right', making);
    const result = await search([candidateOf(newKeyring(foreignKey, 9, [slot]))]);
    assert.equal(result.newest, undefined);
    assert.equal(result.masterKeys.size, 1);
    assert.deepEqual(kinds(result), ['notAuthentic']);
  });

  it('C9: calls a keyring forged where a key of its epoch is held, and not checked where none is', async () => {
    using otherEpoch = MasterKey.fromBytes(installationId, 7, randomBytes(32));
    const slot = await newSlot(masterKey, 'right', making);
    const authentic = candidateOf(newKeyring(masterKey, 1, [slot]));
    const sameEpoch = candidateOf(newKeyring(foreignKey, 8, [foreignSlot()]));
    const unknownEpoch = candidateOf(newKeyring(otherEpoch, 9, [foreignSlot()]));
    const result = await search([authentic, sameEpoch, unknownEpoch]);
    assert.equal(result.newest?.candidate, authentic);
    assert.deepEqual(
      result.findings.map(({ kind, key }) => [kind, key]),
      [
        ['notChecked', unknownEpoch.key],
        ['notAuthentic', sameEpoch.key],
      ],
    );
  });

  it('authenticates a keyring whose slot of an older epoch was opened first', async () => {
    using later = MasterKey.fromBytes(installationId, 2, randomBytes(32));
    const keyring = candidateOf(newKeyring(later, 4, [await newSlot(masterKey, 'right', making), await newSlot(later, 'right', making)]));
    const result = await search([keyring]);
    assert.equal(result.newest?.candidate, keyring);
    assert.equal(result.masterKeys.size, 2);
    assert.deepEqual(result.findings, []);
  });

  it('unwraps the slots of other key epochs that the newest keyring keeps', async () => {
    using later = MasterKey.fromBytes(installationId, 2, randomBytes(32));
    const slots = [
      await newSlot(later, 'right', making),
      await newSlot(masterKey, 'right', making),
      await newSlot(masterKey, 'no', making),
    ];
    const result = await search([candidateOf(newKeyring(later, 4, slots))]);
    assert.deepEqual(
      new Set(result.masterKeys.keys()),
      new Set([later, masterKey].map(({ masterKeyId }) => Buffer.from(masterKeyId).toString('hex'))),
    );
  });

  it('tells of two keyrings of one sequence, and of a later version of one key', async () => {
    const slot = await newSlot(masterKey, 'right', making);
    const [one, other] = [candidateOf(newKeyring(masterKey, 4, [slot])), candidateOf(newKeyring(masterKey, 4, [slot]))];
    assert.deepEqual(kinds(await search([one, other])), ['fork']);
    const first = newKeyring(masterKey, 4, [slot]);
    const body = { ...candidateOf(first, new Date(1)) };
    const again = Buffer.from(first);
    again.set(Buffer.from('1999'), again.indexOf('2026-01-02'));
    const length = again.length - 64;
    again.set(createHmac('sha256', masterKey.keyringMac()).update(Uint8Array.of(1)).update(again.subarray(0, length)).digest(), length);
    const result = await search([candidateOf(again, new Date(2)), body]);
    assert.deepEqual(kinds(result), ['laterVersion']);
    assert.deepEqual(result.newest?.bytes, first);
  });

  it('ends with one constant message where the passphrase opens nothing, and says where there is nothing to open', async () => {
    const slot = await newSlot(masterKey, 'other', making);
    const candidates = [junk(4), candidateOf(newKeyring(masterKey, 1, [slot])), foreign(2, 5)];
    await assert.rejects(
      search(candidates),
      (error) => HoldfastError.is(error, 'wrongSecret') && error.message === 'Failed to open the passkey: the passphrase is wrong.',
    );
    await assert.rejects(search([]), (error) => HoldfastError.is(error, 'objectMissing'));
    await assert.rejects(search(candidates, { passphrase: Uint8Array.of(0xff) }), (error) => HoldfastError.is(error, 'wrongSecret'));
    await assert.rejects(search(candidates, { signal: AbortSignal.abort(new Error('stop')) }), /^Error: stop$/);
  });

  it('tries no other slot than the one that was named, until that one has opened', async () => {
    const [slot, other] = [await newSlot(masterKey, 'right', making), await newSlot(masterKey, 'no', making)];
    const candidates = [foreign(9), foreign(8), candidateOf(newKeyring(masterKey, 1, [other, slot]))];
    const scrypt = new FakeScrypt();
    const result = await search(candidates, { scrypt, passkey: slot.slotId.slice(0, 13) });
    assert.equal(result.newest?.keyring.sequence, 1);
    assert.equal(scrypt.count, 1);
    const refused = (passkey: string): Promise<unknown> =>
      search(candidates, { scrypt, passkey }).then(
        () => undefined,
        (error: unknown) => error,
      );
    assert.ok(HoldfastError.is(await refused(other.slotId), 'wrongSecret'));
    assert.equal(scrypt.count, 2);
    assert.ok(HoldfastError.is(await refused('laptop'), 'unknownName'));
    assert.equal(scrypt.count, 2);
  });

  it('C9: finds the right slot among any mixture of keyrings, in at most one derivation a set', async () => {
    const slot = await newSlot(masterKey, 'right', making);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 12 }), fc.nat(12), async (crowd, place) => {
        const candidates = crowd.map((sets, index) => (sets === 0 ? junk(index + 1) : foreign(index + 1, sets)));
        const right = candidateOf(newKeyring(masterKey, place + 1, [await newSlot(masterKey, 'no', making), slot]));
        const scrypt = new FakeScrypt();
        const result = await search([...candidates, right], { scrypt });
        assert.equal(result.newest?.candidate, right);
        assert.equal(new Set(scrypt.salts).size, scrypt.count);
        assert.ok(scrypt.count <= crowd.reduce((sum, sets) => sum + Math.min(2, sets), 2));
      }),
      { numRuns: 30 },
    );
  });
});
