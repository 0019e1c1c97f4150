import type { KeyAccess, KeyTarget } from '../agent/keyAccess.ts';
import type { CallSecrets } from '../agent/keyCall.ts';
import type { KeyService } from '../agent/keyService.ts';

/** Loads the client of one kind only. Rejects with `KeyServiceFailure`. */
export async function openKeyService(target: KeyTarget, access: KeyAccess, secrets: CallSecrets): Promise<KeyService> {
  if (target.kind === 'awsKms' && access.kind === 'awsKms') {
    const { openAwsKms } = await import('./awsKms/awsKmsKey.ts');
    return await openAwsKms(target, access, secrets);
  }
  if (target.kind === 'vaultTransit' && access.kind === 'vaultTransit') {
    const { openVaultTransit } = await import('./vaultTransit/vaultTransitKey.ts');
    return await openVaultTransit(target, access, secrets);
  }
  throw new RangeError('a key of one kind with the access of another');
}
