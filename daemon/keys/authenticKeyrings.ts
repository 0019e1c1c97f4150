import type { InstallationId, StoreId } from '../../protocol/ids.ts';
import type { DrKey } from './dr/drKey.ts';
import { isAuthenticKeyring, isRecoveryKeyring } from './keyring.ts';
import { isFinding, type KeyringCandidate, readCandidate, type ReadKeyring } from './keyringCandidates.ts';
import type { MasterKey } from './masterKey.ts';

/** One that holds, with the candidate as it was handed in. */
export interface AuthenticKeyring<T extends KeyringCandidate> extends ReadKeyring {
  readonly candidate: T;
}

export interface AuthenticKeyringsRequest<T extends KeyringCandidate> {
  readonly installationId: InstallationId;
  readonly candidates: readonly T[];
  /** The one that is held: what another one wrote proves nothing. */
  readonly masterKey: MasterKey;
  /** Where it is held, what it did not authenticate does not count: neither what was written before it, nor without it. */
  readonly drKey?: DrKey | undefined;
  /** Of the location: one that was written for another location may have been copied here by anybody. */
  readonly storeId: StoreId;
  readonly signal?: AbortSignal;
}

const atOnce = 8;

/** Those of the candidates that this installation wrote for this location. Forged and damaged ones are left out. Throws only the signal's reason. */
export async function authenticKeyrings<T extends KeyringCandidate>({
  installationId,
  candidates,
  masterKey,
  drKey,
  storeId,
  signal,
}: AuthenticKeyringsRequest<T>): Promise<readonly AuthenticKeyring<T>[]> {
  const found: AuthenticKeyring<T>[] = [];
  for (let at = 0; at < candidates.length; at += atOnce) {
    const batch = candidates.slice(at, at + atOnce);
    const read = await Promise.all(
      batch.map(async (candidate) => ({ candidate, keyring: await readCandidate(installationId, candidate, signal) })),
    );
    signal?.throwIfAborted();
    for (const { candidate, keyring: one } of read) {
      if (isFinding(one) || one.keyring.storeId !== storeId || !isAuthenticKeyring(one.keyring, masterKey)) continue;
      if (drKey !== undefined && !isRecoveryKeyring(one.keyring, drKey)) continue;
      found.push({ ...one, candidate });
    }
  }
  return found;
}
