import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Spec } from '../../../protocol/methods/locations.ts';
import { programVersion } from '../../../protocol/version.ts';
import { LeastProgress } from './leastProgress.ts';
import { hasProxy, ObjectReads } from './objectReads.ts';
import { Answers } from './s3Answers.ts';
import type { S3ConnectionOptions } from './s3Options.ts';
import type { CredentialSource } from './s3Credentials.ts';
import { type Handle, watchedHandle } from './watchedHandler.ts';

export interface S3Wire {
  readonly client: S3Client;
  readonly answers: Answers;
  /** Left out where a proxy lies between, which the SDK's client alone knows to go through. */
  readonly reads?: ObjectReads;
}

/** Whether the bucket stands in the path. A name with dots fits no certificate of the form `*.host`. */
export function usesPathStyle({ bucket, endpoint, pathStyle }: S3Spec): boolean {
  if (bucket.includes('.')) return true;
  return pathStyle ?? endpoint !== undefined;
}

function usesTls({ endpoint }: S3Spec): boolean {
  return endpoint === undefined || new URL(endpoint).protocol === 'https:';
}

/** Without one of ours the SDK writes to the console where it sees fit. */
const silent: NonNullable<S3ClientConfig['logger']> = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // What went wrong is in the error.
}

/**
 * The SDK's client as this program uses it: one attempt a request (`Retries` makes others), no checksums but those that puts bring, no endpoint but the
 * profile's (not `AWS_ENDPOINT_URL`), no redirects, a bounded number of sockets that are kept open, and no request whose bytes
 * hardly move.
 */
export function makeClient(options: S3ConnectionOptions, credentials: CredentialSource): S3Wire {
  const { spec, limits = {}, every, environment = process.env } = options;
  const { connections = 16, connectTimeout = 10_000, silenceTimeout = 30_000 } = limits;
  const agent = { keepAlive: true, maxSockets: connections, maxFreeSockets: connections };
  const client = new S3Client({
    region: spec.region,
    ...(spec.endpoint === undefined ? {} : { endpoint: spec.endpoint }),
    ignoreConfiguredEndpointUrls: true,
    forcePathStyle: usesPathStyle(spec),
    credentials: Object.assign(() => credentials.identity(), { memoized: true }),
    maxAttempts: 1,
    logger: silent,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    followRegionRedirects: false,
    expectContinueHeader: false,
    customUserAgent: [['holdfast', programVersion]],
    requestHandler: {
      connectionTimeout: connectTimeout,
      socketTimeout: silenceTimeout,
      // Plain http is for this machine alone, and what goes there goes through no proxy.
      httpAgent: agent,
      httpsAgent: { ...agent, proxyEnv: environment },
    },
  });
  const progress = new LeastProgress(limits.leastProgress, every);
  const { requestHandler } = client.config;
  const handle: Handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = watchedHandle(handle, progress);
  const answers = new Answers();
  answers.watch(client);
  if (usesTls(spec) && hasProxy(environment)) return { client, answers };
  return { client, answers, reads: new ObjectReads({ connections, connectTimeout, silenceTimeout, progress }) };
}
