import assert from 'node:assert/strict';
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { CellSealer } from '../../../daemon/keys/cellSealer.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { uuidBytes } from '../../../protocol/ids.ts';
import { installationId, utf8 } from './support/keyrings.ts';

const masterKey = MasterKey.generate(installationId);
const sealer = new CellSealer(masterKey.catalogKey(), installationId);

function refused(open: () => unknown): void {
  assert.throws(open, (error) => HoldfastError.is(error, 'catalogDamaged'));
}

describe('sealed cells', () => {
  it('C1: are as docs/format.md, Catalog cells, says', () => {
    const sealed = sealer.seal('policies', 'name', 'é1', utf8('secret name'));
    const salt = sealed.subarray(1, 33);
    const info = Buffer.concat([Buffer.from('holdfast/v1/cell\0'), salt]);
    const key = Buffer.from(hkdfSync('sha256', masterKey.catalogKey(), uuidBytes(installationId), info, 32));
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12), { authTagLength: 16 });
    decipher.setAAD(Buffer.concat([Buffer.of(8, 0), utf8('policies'), Buffer.of(4, 0), utf8('name'), Buffer.of(3, 0), utf8('é1')]));
    decipher.setAuthTag(sealed.subarray(-16));
    assert.equal(sealed[0], 1);
    assert.equal(Buffer.concat([decipher.update(sealed.subarray(33, -16)), decipher.final()]).toString(), 'secret name');
  });

  it('open again in their own place, empty ones included', () => {
    for (const text of ['', 'a', 'x'.repeat(10_000)]) {
      assert.equal(Buffer.from(sealer.open('t', 'c', 'k', sealer.seal('t', 'c', 'k', utf8(text)))).toString(), text);
    }
  });

  it('C2: have a fresh salt, and so a fresh key, at each write', () => {
    const salts = Array.from({ length: 200 }, () => Buffer.from(sealer.seal('t', 'c', 'k', utf8('same'))).toString('hex', 1, 33));
    assert.equal(new Set(salts).size, salts.length);
  });

  it('C5 C7: flipped, cut, or moved to another table, column or row, they are refused', () => {
    const sealed = sealer.seal('ab', 'c', 'd', utf8('value'));
    for (let at = 0; at < sealed.length; at += 1) {
      refused(() => sealer.open('ab', 'c', 'd', sealed.with(at, (sealed[at] ?? 0) ^ 1)));
      refused(() => sealer.open('ab', 'c', 'd', sealed.subarray(0, at)));
    }
    refused(() => sealer.open('a', 'bc', 'd', sealed));
    refused(() => sealer.open('ab', 'cd', '', sealed));
    refused(() => sealer.open('ab', 'c', 'e', sealed));
  });
});
