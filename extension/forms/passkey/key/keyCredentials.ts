import type { SecretRef } from '../../../../protocol/method.ts';
import type { DaemonService } from '../../../connection/daemonService.ts';
import { withSecret } from '../../../connection/withSecret.ts';
import { type KeyDraft, keySecretsOf } from './keyDraft.ts';

/** Hands typed credentials over as a secret, for one request; nothing where none were typed. */
export async function keyCredentials(
  daemon: Pick<DaemonService, 'sendSecret'>,
  draft: KeyDraft,
): Promise<{ readonly credentials?: SecretRef }> {
  const secrets = keySecretsOf(draft);
  return secrets === undefined ? {} : { credentials: await withSecret(JSON.stringify(secrets), (bytes) => daemon.sendSecret(bytes)) };
}
