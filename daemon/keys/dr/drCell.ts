import { createSecretKey, type KeyObject } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId } from '../../../protocol/ids.ts';
import type { CellSeal } from '../../catalog/cellSeal.ts';
import { secretBytes, secretCopy, wipe, WipedBytes } from '../secretBytes.ts';
import { DrKey, drKeyLength } from './drKey.ts';

const nameKeyLength = 32;

/** What runs that nobody attends need. */
export interface DrKeys {
  readonly drKey: DrKey;
  /** HMAC key of the names of bundles, 32 bytes. */
  readonly nameKey: KeyObject;
}

/** Where the sealed cell stands; it opens nowhere else. */
export interface CellPlace {
  readonly table: string;
  readonly column: string;
  readonly primaryKey: string;
}

/** `DRK ‖ nameKey` as a sealed cell of the catalog (docs/format.md, The disaster recovery key). The bytes never pass through JSON or a string. */
export function sealDrKeys(seal: CellSeal, { table, column, primaryKey }: CellPlace, { drKey, nameKey }: DrKeys): Uint8Array {
  using plaintext = new WipedBytes(secretBytes(drKeyLength + nameKeyLength));
  drKey.copyInto(plaintext.bytes.subarray(0, drKeyLength));
  const name = nameKey.export();
  plaintext.bytes.set(name, drKeyLength);
  wipe(name);
  return seal.seal(table, column, primaryKey, plaintext.bytes);
}

/** Both keys, the first for the caller to dispose of. Throws `catalogDamaged` where the cell is not what was sealed for this place, or not of the key pinned. */
export function openDrKeys(
  seal: CellSeal,
  { table, column, primaryKey }: CellPlace,
  sealed: Uint8Array,
  pinned: { readonly installationId: InstallationId; readonly drkId: Uint8Array },
): DrKeys {
  const plaintext = seal.open(table, column, primaryKey, sealed);
  try {
    if (plaintext.length !== drKeyLength + nameKeyLength) throw damagedCell();
    const drKey = DrKey.fromBytes(pinned.installationId, secretCopy(plaintext.subarray(0, drKeyLength)));
    if (!drKey.hasId(pinned.drkId)) {
      drKey[Symbol.dispose]();
      throw damagedCell();
    }
    return { drKey, nameKey: createSecretKey(plaintext.subarray(drKeyLength)) };
  } finally {
    wipe(plaintext);
  }
}

function damagedCell(): HoldfastError {
  return new HoldfastError('catalogDamaged', 'Failed to open the disaster recovery key: the catalog holds another one than it names.', {
    fix: 'Give the DR passphrase, or restore the catalog from a bundle.',
  });
}
