import type { BucketSecrets } from '../../../protocol/methods/locations.ts';
import type { DaemonService } from '../../connection/daemonService.ts';
import { withSecret } from '../../connection/withSecret.ts';
import { type BucketDraft, keysOf } from './bucketDraft.ts';

/** Hands typed keys over as a secret, for one request; nothing where none were typed. */
export async function secretOfKeys(daemon: Pick<DaemonService, 'sendSecret'>, bucket: BucketDraft): Promise<BucketSecrets> {
  const keys = keysOf(bucket);
  return keys === undefined ? {} : { keys: await withSecret(JSON.stringify(keys), (bytes) => daemon.sendSecret(bytes)) };
}
