import { createHash } from 'node:crypto';
import { type InstallationId, uuidBytes } from '../../../protocol/ids.ts';
import type { ScryptParameters } from '../scryptParameters.ts';

/** Fixed by the format's version, so that a recovery takes one derivation, whatever lies in the store. */
export const drScryptParameters: ScryptParameters = { N: 2 ** 18, r: 8, p: 1 };

const saltPrefix = Buffer.from('holdfast/dr/v1', 'ascii');

/** `SHA-256("holdfast/dr/v1" ‖ installationId)` (docs/format.md, The disaster recovery key). */
export function drSalt(installationId: InstallationId): Buffer {
  return createHash('sha256').update(saltPrefix).update(uuidBytes(installationId)).digest();
}
