import assert from 'node:assert/strict';
import { createHmac, createSecretKey } from 'node:crypto';
import * as fc from 'fast-check';
import { isObjectKey } from '../../../daemon/locations/objectKey.ts';
import { BundleNames, claimedBundleName, recoveryPrefix } from '../../../daemon/repository/bundleName.ts';
import { parseObjectKey } from '../../../daemon/repository/names.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';
import { bundleInstallation, created, nameKey } from '../../support/sampleBundle.ts';

const names = new BundleNames(bundleInstallation, nameKey);
const bundleIds = fc.uint8Array({ minLength: 16, maxLength: 16 });
const times = fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });

describe('the name of a bundle', () => {
  it('C1: is that of the page: time, object id and the first 16 bytes of an HMAC over both', () => {
    const bundleId = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
    const { key } = names.nameOf(created, bundleId);
    const hmac = createHmac('sha256', nameKey).update('20260102t030405z0123456789abcdef0123456789abcdef').digest('hex');
    assert.equal(key, `${bundleInstallation}/recovery/20260102t030405z-0123456789abcdef0123456789abcdef-${hmac.slice(0, 32)}`);
  });

  it('is read back as what it was made of, by whoever has the key of names', () => {
    fc.assert(
      fc.property(bundleIds, times, (bundleId, time) => {
        const name = names.nameOf(time.toISOString(), bundleId);
        assert.deepEqual(names.read(name.key), { ...name, bundleId: Uint8Array.from(bundleId) });
        assert.deepEqual(claimedBundleName(bundleInstallation, name.key), { ...name, bundleId: Uint8Array.from(bundleId) });
        assert.ok(isObjectKey(name.key) && name.key.startsWith(recoveryPrefix(bundleInstallation)));
        assert.equal(parseObjectKey(name.key), undefined);
      }),
    );
  });

  it('C5 C7: is none once a character of it is another, under another key or for another installation', () => {
    const other = new BundleNames(bundleInstallation, createSecretKey(Buffer.alloc(32)));
    const foreign = new BundleNames(keysNamed('another').installationId, nameKey);
    const { key } = names.nameOf(created, Buffer.alloc(16, 5));
    assert.equal(other.read(key), undefined);
    assert.equal(foreign.read(key), undefined);
    assert.equal(foreign.read(foreign.nameOf(created, Buffer.alloc(16, 5)).key)?.time, '20260102t030405z');
    for (let at = recoveryPrefix(bundleInstallation).length; at < key.length; at += 1) {
      for (const letter of ['0', '1', 'a', '-', 'F']) {
        const changed = key.slice(0, at) + letter + key.slice(at + 1);
        if (changed !== key) assert.equal(names.read(changed), undefined, changed);
      }
    }
    for (const changed of [`${key}0`, key.slice(1), key.slice(0, -1), key.replace('/recovery/', '/keyring/'), '', '/'.repeat(key.length)]) {
      assert.equal(names.read(changed), undefined);
      assert.equal(claimedBundleName(bundleInstallation, changed), undefined);
    }
  });

  it('M5 C9: stands out from any number of names that somebody made up, in form and out of it', () => {
    const wanted = [1, 2, 3].map((seed) => names.nameOf(created, Buffer.alloc(16, seed)).key);
    const prefix = recoveryPrefix(bundleInstallation);
    const found: string[] = [];
    for (let number = 0; number < 60_000; number += 1) {
      const id = number.toString(16).padStart(32, '0');
      const junk = number % 3 === 0 ? `${prefix}20260102t030405z-${id}-${id}` : `${prefix}${number}`;
      for (const key of number % 20_000 === 5 ? [junk, ...wanted.splice(0, 1)] : [junk]) if (names.read(key) !== undefined) found.push(key);
    }
    assert.equal(found.length, 3);
  });
});
