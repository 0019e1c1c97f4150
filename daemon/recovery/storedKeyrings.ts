import type { InstallationId, StoreId } from '../../protocol/ids.ts';
import type { KnownKeyring } from '../installation/knownKeyring.ts';
import { authenticKeyrings } from '../keys/authenticKeyrings.ts';
import { KeyringSample } from '../keys/keyringSample.ts';
import type { MasterKey } from '../keys/masterKey.ts';
import type { StoredKeyring, StoredKeys } from './storedKeys.ts';

export interface OwnKeyringsRequest {
  readonly installationId: InstallationId;
  /** The newest that was opened. */
  readonly masterKey: MasterKey;
  readonly storeId: StoreId;
  readonly signal: AbortSignal;
}

/**
 * The keyrings of a location that this installation wrote for it, for the catalog to know: the one that opened it first, whatever store it names, then the others. Others are looked for among at
 * most a thousand, so that a flood of forged ones neither delays an import nor fills the catalog; the audit goes on looking. Rejects with the signal's reason.
 */
export async function ownKeyrings(
  { newest, candidates }: Pick<StoredKeys, 'newest' | 'candidates'>,
  request: OwnKeyringsRequest,
): Promise<readonly KnownKeyring[]> {
  if (newest === undefined) return [];
  const sample = new KeyringSample<StoredKeyring>({ installationId: request.installationId, upTo: newest.keyring.sequence });
  for (const candidate of candidates) if (candidate.key !== newest.candidate.key) sample.add(candidate);
  const others = await authenticKeyrings({ ...request, candidates: sample.chosen() });
  const versionId = candidates.find(({ key }) => key === newest.candidate.key)?.versionId ?? null;
  const known = others.map(({ candidate: { key, versionId: version }, keyring, bytes }) => ({ key, versionId: version, keyring, bytes }));
  return [{ key: newest.candidate.key, versionId, keyring: newest.keyring, bytes: newest.bytes }, ...known];
}
