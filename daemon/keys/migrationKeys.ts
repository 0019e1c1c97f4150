import { createSecretKey, type KeyObject } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId, PolicyId } from '../../protocol/ids.ts';
import type { CellSeal } from '../catalog/cellSeal.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';
import { derivePolicyKeys } from './policyKeyDerivation.ts';
import { secretBytes, secretCopy, WipedBytes, wipe } from './secretBytes.ts';

/** The policyKey of one policy and generation: all that an export hands out (docs/format.md, Import data). */
export interface MigrationKey {
  /** 16 bytes: of the master key that it was derived from. */
  readonly masterKeyId: Uint8Array;
  readonly keyEpoch: number;
  readonly keyGeneration: number;
  readonly policyKey: KeyObject;
}

/** Whose keys they are: the installation that exported them, and its policy. */
export interface MigrationScope {
  readonly installationId: InstallationId;
  readonly policyId: PolicyId;
}

/** masterKeyId 16 ‖ u32 keyEpoch ‖ u32 keyGeneration ‖ policyKey 32. */
export const migrationKeyRow = 56;
/** Generations that one text, or one cell, holds. */
export const migrationKeysMost = 256;

const keyAt = 24;

/** One row a key. The bytes hold secrets, for the caller to wipe. */
export function encodeMigrationKeys(keys: readonly MigrationKey[]): Uint8Array<ArrayBuffer> {
  const rows = secretBytes(keys.length * migrationKeyRow);
  const view = new DataView(rows.buffer);
  for (const [index, { masterKeyId, keyEpoch, keyGeneration, policyKey }] of keys.entries()) {
    const at = index * migrationKeyRow;
    rows.set(masterKeyId, at);
    view.setUint32(at + 16, keyEpoch, true);
    view.setUint32(at + 20, keyGeneration, true);
    const bytes = policyKey.export();
    rows.set(bytes, at + keyAt);
    wipe(bytes);
  }
  return rows;
}

/** `undefined` where the bytes are no rows of keys, or two of them are of one generation of one master key. The caller wipes the bytes. */
export function decodeMigrationKeys(rows: Uint8Array): readonly MigrationKey[] | undefined {
  const count = rows.length / migrationKeyRow;
  if (!Number.isInteger(count) || count < 1 || count > migrationKeysMost) return undefined;
  const view = new DataView(rows.buffer, rows.byteOffset, rows.length);
  const keys = Array.from({ length: count }, (_value, index): MigrationKey => {
    const at = index * migrationKeyRow;
    using policyKey = new WipedBytes(secretCopy(rows.subarray(at + keyAt, at + migrationKeyRow)));
    return {
      masterKeyId: Uint8Array.from(rows.subarray(at, at + 16)),
      keyEpoch: view.getUint32(at + 16, true),
      keyGeneration: view.getUint32(at + 20, true),
      policyKey: createSecretKey(policyKey.bytes),
    };
  });
  const names = new Set(keys.map(({ masterKeyId, keyGeneration }) => `${Buffer.from(masterKeyId).toString('hex')}/${keyGeneration}`));
  const isWhole = keys.every(({ keyEpoch, keyGeneration }) => keyEpoch > 0 && keyGeneration > 0);
  return isWhole && names.size === keys.length ? keys : undefined;
}

/** All that a reader needs of the policy, newest generation first: without the owner's key, so that the owner's tag can't be checked, nor made. */
export function policyKeysOfMigration({ installationId, policyId }: MigrationScope, keys: readonly MigrationKey[]): readonly PolicyKeys[] {
  return keys
    .toSorted((one, other) => other.keyEpoch - one.keyEpoch || other.keyGeneration - one.keyGeneration)
    .map((key) => derivePolicyKeys({ ...key, installationId, policyId, owner: undefined }));
}

/** Where the sealed cell of an imported policy stands; it opens nowhere else. */
const table = 'importedPolicies';
const column = 'migrationKeys';

/** As a sealed cell of the catalog (docs/format.md, Sealed cells of the catalog). The keys never pass through JSON or a string. */
export function sealMigrationKeys(seal: CellSeal, policyId: PolicyId, keys: readonly MigrationKey[]): Uint8Array {
  using rows = new WipedBytes(encodeMigrationKeys(keys));
  return seal.seal(table, column, policyId, rows.bytes);
}

/** Throws `catalogDamaged` where the cell is not what was sealed for this policy. */
export function openMigrationKeys(seal: CellSeal, policyId: PolicyId, sealed: Uint8Array): readonly MigrationKey[] {
  const rows = seal.open(table, column, policyId, sealed);
  try {
    const keys = decodeMigrationKeys(rows);
    if (keys !== undefined) return keys;
  } finally {
    wipe(rows);
  }
  throw new HoldfastError('catalogDamaged', 'Failed to open the migration key: the catalog holds something else.', {
    fix: 'Import the policy again with "holdfast policy import".',
  });
}
