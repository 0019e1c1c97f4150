import assert from 'node:assert/strict';
import { createHash, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { assert as check, constantFrom, maxSafeNat, oneof, property } from 'fast-check';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import { isObjectKey } from '../../../daemon/locations/objectKey.ts';
import { parseObjectKey } from '../../../daemon/repository/names.ts';
import { openTerm, sealTerm, type Term, type TermKeys, termLength } from '../../../daemon/repository/term.ts';
import { termKey, termNumber, termsPrefix } from '../../../daemon/repository/termName.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId, StoreId } from '../../../protocol/ids.ts';
import { newId } from '../../support/ids.ts';
import { entropyFrom } from '../../support/repositoryKeys.ts';

const storeId = newId<StoreId>();

function someKeys(changes: Partial<TermKeys> = {}): TermKeys {
  return { installationId: newId<InstallationId>(), masterKeyId: randomBytes(16), ownership: createSecretKey(randomBytes(32)), ...changes };
}

const keys = someKeys();

function someTerm(changes: Partial<Term> = {}): Term {
  return {
    n: 2,
    previous: randomBytes(32),
    machineId: newId(),
    storeTime: '2026-01-02T03:04:05.000Z',
    bundle: randomBytes(16),
    ...changes,
  };
}

function plain(term: Term): unknown {
  const { previous, bundle } = term;
  return { ...term, previous: previous === null ? null : [...previous], bundle: bundle === null ? null : [...bundle] };
}

describe('term', () => {
  it('gives back what was written, of any number and any members', () => {
    const nullable = constantFrom(true, false);
    const numbers = oneof(
      constantFrom(1, 2, 255, 256, Number.MAX_SAFE_INTEGER),
      maxSafeNat().filter((n) => n > 0),
    );
    check(
      property(numbers, nullable, nullable, (n, hasBundle, hasTime) => {
        const term = someTerm({
          n,
          ...(n === 1 ? { previous: null } : {}),
          ...(hasBundle ? {} : { bundle: null }),
          ...(hasTime ? {} : { storeTime: null }),
        });
        const { bytes, sha256 } = sealTerm(term, keys, storeId, entropyFrom(String(n)));
        assert.equal(bytes.length, termLength);
        assert.deepEqual(sha256, createHash('sha256').update(bytes).digest());
        assert.deepEqual(plain(openTerm(bytes, keys, storeId, n).term), plain(term));
      }),
      { numRuns: 50 },
    );
  });

  it('C5 C6: is none with a bit of any part flipped, cut or longer', () => {
    const { bytes } = sealTerm(someTerm(), keys, storeId, entropyFrom('bits'));
    const places = [
      ...Array.from({ length: 700 }, (_value, at) => at),
      ...Array.from({ length: 64 }, (_value, at) => at * 1024),
      bytes.length - 1,
    ];
    for (const at of places) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at & 7));
      assert.throws(() => openTerm(changed, keys, storeId, 2), HoldfastError, `byte ${at}`);
    }
    assert.throws(() => openTerm(bytes.subarray(1), keys, storeId, 2), HoldfastError);
    assert.throws(() => openTerm(Buffer.concat([bytes, Buffer.alloc(1)]), keys, storeId, 2), HoldfastError);
  });

  it('C7: is none under the name of another number, in another store, of another installation or under another key', () => {
    const { bytes } = sealTerm(someTerm(), keys, storeId, entropyFrom('swap'));
    assert.throws(() => openTerm(bytes, keys, storeId, 3), HoldfastError);
    assert.throws(() => openTerm(bytes, keys, newId<StoreId>(), 2), HoldfastError);
    assert.throws(() => openTerm(bytes, { ...keys, installationId: newId<InstallationId>() }, storeId, 2), HoldfastError);
    assert.throws(() => openTerm(bytes, { ...keys, masterKeyId: randomBytes(16) }, storeId, 2), HoldfastError);
    assert.throws(() => openTerm(bytes, { ...keys, ownership: createSecretKey(randomBytes(32)) }, storeId, 2), HoldfastError);
  });

  it('is not written where no reader would take it', () => {
    for (const changes of [{ n: 0 }, { n: 1 }, { n: 2 ** 53 }, { previous: null }, { machineId: 'laptop' }, { storeTime: 'now' }]) {
      assert.throws(() => sealTerm(someTerm(changes), keys, storeId, entropyFrom('bad')), JSON.stringify(changes));
    }
  });

  it('tells two terms of one machine apart, whatever they say', () => {
    const term = someTerm();
    const [one, other] = [sealTerm(term, keys, storeId, entropyFrom('one')), sealTerm(term, keys, storeId, entropyFrom('other'))];
    assert.notDeepEqual(one.sha256, other.sha256);
  });
});

describe('name of a term', () => {
  it('is the number and the HMAC of its digits with the ownership key, of the grammar of keys', () => {
    const key = termKey(keys, 258);
    const mac = createHmac('sha256', keys.ownership).update('0000000000000102').digest('hex').slice(0, 32);
    assert.equal(key, `${keys.installationId}/terms/0000000000000102-${mac}`);
    assert.equal(isObjectKey(key), true);
    assert.equal(parseObjectKey(key), undefined);
    assert.equal(termNumber(keys, key), 258);
  });

  it('C7: tells nothing to who does not hold the key, and is no name of another number, place or installation', () => {
    const key = termKey(keys, 7);
    assert.equal(termNumber(someKeys({ installationId: keys.installationId }), key), undefined);
    assert.equal(termNumber({ ...keys, installationId: newId<InstallationId>() }, key), undefined);
    const mac = key.slice(-32);
    const folder = termsPrefix(keys.installationId);
    const foreign = [
      `${folder}0000000000000008-${mac}`,
      `${folder}7-${mac}`,
      `${folder}0000000000000007-${mac.toUpperCase()}`,
      `${folder}0000000000000007-${mac}0`,
      `${folder}x/0000000000000007-${mac}`,
      key.replace('/terms/', '/term/'),
      folder,
    ];
    for (const name of foreign) assert.equal(termNumber(keys, name), undefined, name);
  });

  it('exists for no number outside 1 to 2^53 - 1', () => {
    for (const number of [0, -1, 1.5, 2 ** 53, Number.NaN]) assert.throws(() => termKey(keys, number), RangeError);
    const folder = termsPrefix(keys.installationId);
    for (const digits of ['0000000000000000', '0020000000000000', 'ffffffffffffffff']) {
      const mac = createHmac('sha256', keys.ownership).update(digits).digest('hex').slice(0, 32);
      assert.equal(termNumber(keys, `${folder}${digits}-${mac}`), undefined, digits);
    }
  });

  it('is made with the ownership key of the master key alone', () => {
    const installationId = newId<InstallationId>();
    using one = MasterKey.generate(installationId);
    using other = MasterKey.generate(installationId);
    const named = ({ masterKeyId, ownershipKey }: { masterKeyId: Uint8Array; ownershipKey: TermKeys['ownership'] }): string =>
      termKey({ installationId, masterKeyId, ownership: ownershipKey }, 1);
    const [first, second] = [one, other].map((key) => named({ masterKeyId: key.masterKeyId, ownershipKey: key.ownershipKey() }));
    assert.notEqual(first, second);
    assert.equal(named({ masterKeyId: one.masterKeyId, ownershipKey: one.ownershipKey() }), first);
  });
});
