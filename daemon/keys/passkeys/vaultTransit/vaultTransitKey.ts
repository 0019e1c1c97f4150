import type { VaultTransitAccess, VaultTransitTarget } from '../../agent/keyAccess.ts';
import type { CallSecrets } from '../../agent/keyCall.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';
import type { KeyService } from '../../agent/keyService.ts';

/** A key of Vault's transit engine. Rejects with `KeyServiceFailure`. */
export async function openVaultTransit(
  _target: VaultTransitTarget,
  _access: VaultTransitAccess,
  _secrets: CallSecrets,
): Promise<KeyService> {
  throw new KeyServiceFailure('failed', 'this version does not reach Vault', 'Use a passphrase.');
}
