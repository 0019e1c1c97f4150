import type { InstallationId } from '../../protocol/ids.ts';
import type { KeyringIdentity } from './keyringHeader.ts';

/** `<installationId>/keyring/`, below a location's prefix (docs/format.md, Names in the store). */
export function keyringFolder(installationId: InstallationId): string {
  return `${installationId}/keyring/`;
}

/** `<installationId>/keyring/<seq>-<objectId>`, sequence in 16 and objectId in 32 hex digits. */
export function keyringName({
  installationId,
  sequence,
  objectId,
}: Pick<KeyringIdentity, 'installationId' | 'sequence' | 'objectId'>): string {
  return `${keyringFolder(installationId)}${sequence.toString(16).padStart(16, '0')}-${Buffer.from(objectId).toString('hex')}`;
}

const namePattern = /^[0-9a-f]{16}-[0-9a-f]{32}$/;

/** The sequence that a name claims; `undefined` where the name is not a keyring's. It orders, and proves nothing. */
export function claimedSequence(installationId: InstallationId, key: string): bigint | undefined {
  const folder = keyringFolder(installationId);
  const name = key.slice(folder.length);
  return key.startsWith(folder) && namePattern.test(name) ? BigInt(`0x${name.slice(0, 16)}`) : undefined;
}
