import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms';
import { programVersion } from '../../../../protocol/version.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';

/** Far above any answer that is asked for: a key's policy has at most 32 KiB (AWS KMS developer guide, Resource quotas). */
const longestAnswer = 256 * 1024;
const connectTimeout = 3000;

export interface KmsClientOptions {
  readonly region: string;
  readonly endpoint: string | null;
  readonly identity: () => Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }>;
  /** For proxies: `HTTPS_PROXY`, `NO_PROXY`. */
  readonly environment: NodeJS.ProcessEnv;
}

export interface KmsWire {
  readonly client: KMSClient;
  /** Where requests go, as messages name it. */
  readonly host: () => string;
}

/** Without one of ours the SDK writes to the console where it sees fit. */
const silent: NonNullable<KMSClientConfig['logger']> = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // What went wrong is in the error.
}

/**
 * The SDK's client as this program uses it: one attempt a request (`KmsCalls` makes others), no endpoint but the given one (not `AWS_ENDPOINT_URL`), no
 * redirects, and no answer but one JSON object of bounded size.
 */
export function makeKmsClient({ region, endpoint, identity, environment }: KmsClientOptions): KmsWire {
  let host = endpoint === null ? `AWS KMS in ${region}` : new URL(endpoint).host;
  const agent = { keepAlive: true };
  const client = new KMSClient({
    region,
    ...(endpoint === null ? {} : { endpoint, useFipsEndpoint: false, useDualstackEndpoint: false }),
    ignoreConfiguredEndpointUrls: true,
    credentials: Object.assign(identity, { memoized: true }),
    maxAttempts: 1,
    logger: silent,
    customUserAgent: [['holdfast', programVersion]],
    requestHandler: {
      connectionTimeout: connectTimeout,
      // Plain http is for this machine alone, and what goes there goes through no proxy.
      httpAgent: agent,
      httpsAgent: { ...agent, proxyEnv: environment },
    },
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      if (endpoint === null && isRequest(args.request)) host = args.request.hostname;
      const result = await next(args);
      const { response } = result;
      if (isResponse(response)) await check(response);
      return result;
    },
    { step: 'deserialize', name: 'holdfastAnswers', priority: 'low' },
  );
  return { client, host: () => host };
}

function isRequest(value: unknown): value is { readonly hostname: string } {
  return typeof value === 'object' && value !== null && 'hostname' in value && typeof value.hostname === 'string';
}

interface Response {
  readonly statusCode: number;
  body?: unknown;
}

function isResponse(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && 'statusCode' in value && typeof value.statusCode === 'number';
}

async function check(response: Response): Promise<void> {
  const { statusCode } = response;
  const body = await collected(response.body);
  response.body = body;
  if (statusCode >= 300 && statusCode < 400) throw badAnswer(`it sends the request elsewhere (status ${statusCode})`);
  // Some answers have no body at all, or null for none.
  const value = parsed(body);
  if (value === null) response.body = Buffer.alloc(0);
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return;
  // A proxy's page: its status says what there is to know.
  if (statusCode >= 500 || statusCode === 429) response.body = Buffer.alloc(0);
  else throw badAnswer(`what it gave is no answer of AWS KMS (status ${statusCode})`);
}

function parsed(body: Buffer): unknown {
  if (body.length === 0) return null;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

async function collected(body: unknown): Promise<Buffer> {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (!isBytes(body)) throw badAnswer('what it gave is no answer of AWS KMS');
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > longestAnswer) throw badAnswer('what it gave is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function isBytes(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

export function badAnswer(reason: string): KeyServiceFailure {
  return new KeyServiceFailure(
    'badAnswer',
    reason,
    'Look whether the endpoint and the proxy are the right ones, then ask whoever runs the key service.',
  );
}
