import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import {
  type CondemnedObject,
  condemnedReadLength,
  encodeCondemnedList,
  maxCondemned,
  openCondemnedList,
} from '../../../daemon/repository/condemnedList.ts';
import { condemnedKey, condemnedListId, parseObjectKey } from '../../../daemon/repository/names.ts';
import type { InstallationId, PolicyId, StoreId } from '../../../protocol/ids.ts';
import { newId } from '../../support/ids.ts';

const owner = createSecretKey(randomBytes(32));
const identity = { storeId: newId<StoreId>(), listId: randomBytes(16) };
const objects: readonly CondemnedObject[] = (['pack', 'index', 'manifest', 'pack'] as const).map((type) => ({
  type,
  objectId: randomBytes(16),
}));

describe('list of condemned objects', () => {
  it('gives back what was written, also nothing and the most', () => {
    const rows = openCondemnedList(encodeCondemnedList(identity, objects, owner), identity, owner);
    assert.deepEqual(
      objects.map((_object, row) => ({ type: rows?.typeAt(row), id: rows?.idAt(row).toString('hex') })),
      objects.map(({ type, objectId }) => ({ type, id: Buffer.from(objectId).toString('hex') })),
    );
    assert.equal(openCondemnedList(encodeCondemnedList(identity, [], owner), identity, owner)?.count, 0);
    const most = Array.from({ length: maxCondemned }, () => ({ type: 'pack' as const, objectId: identity.listId }));
    const bytes = encodeCondemnedList(identity, most, owner);
    assert.equal(openCondemnedList(bytes, identity, owner)?.count, maxCondemned);
    assert.equal(bytes.length, condemnedReadLength - 1);
    assert.throws(() => encodeCondemnedList(identity, [...most, ...objects], owner), RangeError);
  });

  it('C5 C6: is nobody’s with any bit flipped, cut or longer', () => {
    const bytes = encodeCondemnedList(identity, objects, owner);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(openCondemnedList(changed, identity, owner), undefined, `bit ${bit}`);
    }
    for (let length = 0; length < bytes.length; length += 1)
      assert.equal(openCondemnedList(bytes.subarray(0, length), identity, owner), undefined);
    assert.equal(openCondemnedList(Buffer.concat([bytes, Buffer.alloc(1)]), identity, owner), undefined);
  });

  it('C7: is nobody’s under another name, in another store or of another policy', () => {
    const bytes = encodeCondemnedList(identity, objects, owner);
    assert.equal(openCondemnedList(bytes, { ...identity, listId: randomBytes(16) }, owner), undefined);
    assert.equal(openCondemnedList(bytes, { ...identity, storeId: newId<StoreId>() }, owner), undefined);
    assert.equal(openCondemnedList(bytes, identity, createSecretKey(randomBytes(32))), undefined);
  });

  it('has a name that tells its id and is none of another object', () => {
    const key = condemnedKey(newId<InstallationId>(), newId<PolicyId>(), identity.listId);
    assert.deepEqual(Buffer.from(condemnedListId(key) ?? []), identity.listId);
    assert.equal(parseObjectKey(key), undefined);
    assert.equal(condemnedListId(key.replace('condemned', 'indexes')), undefined);
    assert.equal(condemnedListId(`${key}0`), undefined);
  });
});
