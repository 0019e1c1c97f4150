import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { type InstallationId, uuidBytes } from '../../protocol/ids.ts';
import { wipe } from './secretBytes.ts';

/** Every label of docs/format.md, Keys; no other derivation exists. */
export type KeyLabel =
  | 'master-key-id'
  | 'catalog'
  | 'ownership'
  | 'keyring-mac'
  | 'owner'
  | 'policy'
  | 'pack'
  | 'index'
  | 'manifest'
  | 'id-data'
  | 'id-tree'
  | 'id-list'
  | 'chunker'
  | 'gear'
  | 'cell'
  | 'lock-proof'
  | 'drk-id'
  | 'bundle';

const noContext = new Uint8Array(0);

/**
 * HKDF-SHA-256 (RFC 5869, extract and expand): salt = the installation's 16 bytes, info = `holdfast/v1/` ‖ label ‖ 0x00 ‖ context
 * (docs/format.md, Keys). The caller owns and wipes the result.
 */
export function deriveBytes(
  key: KeyObject,
  installationId: InstallationId,
  label: KeyLabel,
  context: Uint8Array = noContext,
  length = 32,
): Uint8Array<ArrayBuffer> {
  const info = Buffer.concat([Buffer.from(`holdfast/v1/${label}\0`, 'ascii'), context]);
  return new Uint8Array(hkdfSync('sha256', key, uuidBytes(installationId), info, length));
}

/** The 32 derived bytes as a key; no other copy of them is left. */
export function deriveKey(key: KeyObject, installationId: InstallationId, label: KeyLabel, context: Uint8Array = noContext): KeyObject {
  const bytes = deriveBytes(key, installationId, label, context);
  try {
    return createSecretKey(bytes);
  } finally {
    wipe(bytes);
  }
}
