import { ProcessKeyAgent } from '../../daemon/keys/agent/keyAgent.ts';
import type { InitKey } from '../../protocol/methods/session.ts';
import { BucketDaemon, type BucketDaemonOptions } from './bucketDaemon.ts';
import { bundleKeyAgent } from './bundledKeyAgent.ts';

export interface ServiceKeyDaemonOptions extends Pick<BucketDaemonOptions, 'start'> {
  /** The passkey that it is set up with, "first". */
  readonly key: InitKey;
  /** Of the processes that ask key services, beside PATH. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** All of the daemon on a bucket whose clock can be moved, which holds locks of a week, with a key at a service that is asked as by a user's daemon. */
export async function serviceKeyDaemon({ key, environment, ...more }: ServiceKeyDaemonOptions): Promise<BucketDaemon> {
  const keyAgent = new ProcessKeyAgent({ entryPath: bundleKeyAgent(), environment: { PATH: process.env['PATH'], ...environment } });
  return await BucketDaemon.ready({ ...more, protectionPeriod: 7, key, keyAgent });
}
