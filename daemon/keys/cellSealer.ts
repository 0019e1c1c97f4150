import { createCipheriv, createDecipheriv, type KeyObject, randomFillSync } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId } from '../../protocol/ids.ts';
import type { CellSeal } from '../catalog/cellSeal.ts';
import { deriveKey } from './keyDerivation.ts';

const sealVersion = 0x01;
const saltLength = 32;
const tagLength = 16;
const bodyStart = 1 + saltLength;
// Each cell key seals one cell, since its salt is fresh at each write.
const zeroNonce = Buffer.alloc(12);

/** Seals cells of the catalog under the catalog key: `0x01 ‖ salt ‖ AES-256-GCM ‖ tag` (docs/format.md, Catalog cells). */
export class CellSealer implements CellSeal {
  readonly #catalogKey: KeyObject;
  readonly #installationId: InstallationId;

  constructor(catalogKey: KeyObject, installationId: InstallationId) {
    this.#catalogKey = catalogKey;
    this.#installationId = installationId;
  }

  seal(table: string, column: string, primaryKey: string, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
    const salt = randomFillSync(Buffer.alloc(saltLength));
    const cipher = createCipheriv('aes-256-gcm', this.#cellKey(salt), zeroNonce, { authTagLength: tagLength });
    cipher.setAAD(cellContext(table, column, primaryKey));
    const sealed = [Uint8Array.of(sealVersion), salt, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
    return Uint8Array.from(Buffer.concat(sealed));
  }

  /** The plaintext, for the caller to wipe. Throws `HoldfastError('catalogDamaged')`. */
  open(table: string, column: string, primaryKey: string, sealed: Uint8Array): Uint8Array<ArrayBuffer> {
    const bodyEnd = sealed.length - tagLength;
    if (sealed[0] !== sealVersion || bodyEnd < bodyStart) throw damagedCell(table, column, primaryKey);
    const key = this.#cellKey(sealed.subarray(1, bodyStart));
    const decipher = createDecipheriv('aes-256-gcm', key, zeroNonce, { authTagLength: tagLength });
    decipher.setAAD(cellContext(table, column, primaryKey));
    decipher.setAuthTag(sealed.subarray(bodyEnd));
    const plaintext = decipher.update(sealed.subarray(bodyStart, bodyEnd));
    try {
      decipher.final();
    } catch (cause) {
      plaintext.fill(0);
      throw damagedCell(table, column, primaryKey, cause);
    }
    const copy = Uint8Array.from(plaintext);
    plaintext.fill(0);
    return copy;
  }

  #cellKey(salt: Uint8Array): KeyObject {
    return deriveKey(this.#catalogKey, this.#installationId, 'cell', salt);
  }
}

function cellContext(...names: readonly string[]): Buffer {
  return Buffer.concat(
    names.flatMap((name) => {
      const bytes = Buffer.from(name, 'utf8');
      const length = Buffer.alloc(2);
      length.writeUInt16LE(bytes.length);
      return [length, bytes];
    }),
  );
}

function damagedCell(table: string, column: string, primaryKey: string, cause?: unknown): HoldfastError {
  return new HoldfastError('catalogDamaged', `Failed to read ${column} of ${table} ${primaryKey}: the cell is not what was sealed there.`, {
    fix: 'Rebuild the catalog from what is stored with `holdfast import-stored`.',
    cause,
  });
}
