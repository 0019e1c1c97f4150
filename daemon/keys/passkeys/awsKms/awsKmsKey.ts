import type { AwsKmsAccess, AwsKmsTarget } from '../../agent/keyAccess.ts';
import type { CallSecrets } from '../../agent/keyCall.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';
import type { KeyService } from '../../agent/keyService.ts';

/** A key of AWS KMS. Rejects with `KeyServiceFailure`. */
export async function openAwsKms(_target: AwsKmsTarget, _access: AwsKmsAccess, _secrets: CallSecrets): Promise<KeyService> {
  throw new KeyServiceFailure('failed', 'this version does not reach AWS KMS', 'Use a passphrase.');
}
