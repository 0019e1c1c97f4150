import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { keyringName } from '../../../daemon/keys/keyringName.ts';
import { ByteLru } from '../../../daemon/repository/byteLru.ts';
import {
  indexKey,
  indexesPrefix,
  packKey,
  packsPrefix,
  parseObjectKey,
  restorePointKey,
  restorePointsPrefix,
} from '../../../daemon/repository/names.ts';
import { isObjectKey } from '../../../daemon/locations/objectKey.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';

const { installationId, policyId } = keysNamed('names');
const objectIds = fc.uint8Array({ minLength: 16, maxLength: 16 });
const sequences = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const times = fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });

describe('store keys', () => {
  it('are those of the page', () => {
    const objectId = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
    const policy = `${installationId}/policies/${policyId}`;
    const hex = '0123456789abcdef0123456789abcdef';
    assert.equal(packKey(installationId, policyId, objectId), `${policy}/packs/01/${hex}`);
    assert.equal(indexKey(installationId, policyId, 255, objectId), `${policy}/indexes/00000000000000ff-${hex}`);
    assert.equal(
      restorePointKey(installationId, policyId, 1, '2026-01-02T03:04:05.999Z', objectId),
      `${policy}/restore-points/0000000000000001-20260102t030405z-${hex}`,
    );
  });

  it('parse to what they were built from, and are keys that a store takes', () => {
    fc.assert(
      fc.property(objectIds, sequences, times, (objectId, sequence, time) => {
        const pack = packKey(installationId, policyId, objectId);
        const index = indexKey(installationId, policyId, sequence, objectId);
        const point = restorePointKey(installationId, policyId, sequence, time.toISOString(), objectId);
        assert.deepEqual(parseObjectKey(pack), { type: 'pack', installationId, policyId, objectId });
        assert.deepEqual(parseObjectKey(index), { type: 'index', installationId, policyId, sequence, objectId });
        const name = parseObjectKey(point);
        const keyring = keyringName({ installationId, sequence, objectId });
        assert.deepEqual(parseObjectKey(keyring), { type: 'keyring', installationId, sequence, objectId });
        assert.deepEqual({ ...name, time: '' }, { type: 'manifest', installationId, policyId, sequence, objectId, time: '' });
        assert.ok([pack, index, point, keyring].every(isObjectKey));
        assert.ok(pack.startsWith(packsPrefix(installationId, policyId)) && index.startsWith(indexesPrefix(installationId, policyId)));
        assert.ok(point.startsWith(restorePointsPrefix(installationId, policyId)));
      }),
    );
  });

  it('M6: refuse everything outside the grammar', () => {
    const pack = packKey(installationId, policyId, Buffer.alloc(16, 1));
    const index = indexKey(installationId, policyId, 1, Buffer.alloc(16, 1));
    const point = restorePointKey(installationId, policyId, 1, '2026-01-02T03:04:05.999Z', Buffer.alloc(16, 1));
    const outside = [
      '',
      '/',
      'holdfast-store',
      installationId,
      `${installationId}/packs`,
      `../${pack}`,
      `/${pack}`,
      `${pack}/`,
      `${pack}/x`,
      pack.toUpperCase(),
      pack.replace('/packs/', '/../'),
      pack.replace('packs/01', 'packs/02'),
      pack.replace('packs/01', 'packs/'),
      pack.slice(0, -1),
      `${pack}0`,
      index.replace('0000000000000001', '0000000000000000'),
      index.replace('0000000000000001', 'ffffffffffffffff'),
      index.replace('indexes', 'indices'),
      index.replace('-01', '_01'),
      point.replace('20260102t030405z', '20260102'),
      point.replace('z-', 'Z-'),
      `${installationId}/policies/x/packs/01/${'01'.repeat(16)}`,
      `x/keyring/0000000000000001-${'01'.repeat(16)}`,
    ];
    for (const key of outside) assert.equal(parseObjectKey(key), undefined, key);
    fc.assert(fc.property(fc.string(), (key) => assert.equal(parseObjectKey(key), undefined)));
    assert.throws(() => indexKey(installationId, policyId, 0, Buffer.alloc(16)), RangeError);
  });
});

describe('cache by weight', () => {
  it('keeps the values used last and never more than its weight', () => {
    const cache = new ByteLru<number>(10);
    cache.set('a', 1, 4);
    cache.set('b', 2, 4);
    assert.equal(cache.get('a'), 1);
    cache.set('c', 3, 4);
    assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [1, undefined, 3]);
    cache.set('d', 4, 11);
    assert.deepEqual([cache.get('d'), cache.weight], [undefined, 8]);
    cache.set('a', 5, 1);
    assert.deepEqual([cache.get('a'), cache.weight], [5, 5]);
  });
});
