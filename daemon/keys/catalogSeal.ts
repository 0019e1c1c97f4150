import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId } from '../../protocol/ids.ts';
import type { CellSeal } from '../catalog/cellSeal.ts';
import { deriveBytes } from './keyDerivation.ts';
import { wipe } from './secretBytes.ts';

/** docs/format.md, Sealed cells of the catalog: `0x01 ‖ salt(32) ‖ AES-256-GCM(…) ‖ tag(16)`. */
const version = 1;
const saltLength = 32;
const tagLength = 16;
const headLength = 1 + saltLength;
/** A key serves one cell once, so its nonce is zero. */
const nonce = Buffer.alloc(12);

/** Seals cells under the catalog's key; a fresh salt at each write makes a key that is used once. `catalogKey` is `KDF(MK, "catalog", -)`. */
export class CatalogSeal implements CellSeal {
  readonly #catalogKey: KeyObject;
  readonly #installationId: InstallationId;

  constructor(catalogKey: KeyObject, installationId: InstallationId) {
    this.#catalogKey = catalogKey;
    this.#installationId = installationId;
  }

  seal(table: string, column: string, primaryKey: string, plaintext: Uint8Array): Uint8Array {
    const salt = randomBytes(saltLength);
    const key = this.#cellKey(salt);
    try {
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength });
      cipher.setAAD(associatedData(table, column, primaryKey));
      return Buffer.concat([Uint8Array.of(version), salt, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    } finally {
      wipe(key);
    }
  }

  open(table: string, column: string, primaryKey: string, sealed: Uint8Array): Uint8Array {
    if (sealed.length < headLength + tagLength || sealed[0] !== version) throw notAsSealed(table, column);
    const key = this.#cellKey(sealed.subarray(1, headLength));
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength });
      decipher.setAAD(associatedData(table, column, primaryKey));
      decipher.setAuthTag(sealed.subarray(-tagLength));
      const plaintext = decipher.update(sealed.subarray(headLength, -tagLength));
      try {
        decipher.final();
      } catch (error) {
        wipe(plaintext);
        throw notAsSealed(table, column, error);
      }
      return plaintext;
    } finally {
      wipe(key);
    }
  }

  #cellKey(salt: Uint8Array): Uint8Array {
    return deriveBytes(this.#catalogKey, this.#installationId, 'cell', salt);
  }
}

function associatedData(...parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(2);
      length.writeUInt16LE(bytes.length);
      return [length, bytes];
    }),
  );
}

function notAsSealed(table: string, column: string, cause?: unknown): HoldfastError {
  return new HoldfastError('catalogDamaged', `Failed to open a sealed cell: ${column} of ${table} is not what was sealed.`, {
    fix: 'Move the state directory aside and rebuild the catalog from a location: "holdfast import-stored --location-spec FILE".',
    cause,
  });
}
