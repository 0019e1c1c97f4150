import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { connectS3, type S3Connection, type S3ConnectionOptions } from '../../daemon/locations/s3/openS3.ts';

/** One request as it arrived. */
export interface ScriptedRequest {
  readonly method: string;
  /** Below the bucket, decoded. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The connection is cut behind so many bytes of the body. */
  readonly cutAfter?: number;
  /** Behind so many bytes nothing more comes. */
  readonly stallAfter?: number;
  /** What was asked is done, but no answer comes back. */
  readonly isLost?: boolean;
}

export type Script = (request: ScriptedRequest, count: number) => Reply;

export const bucketName = 'scripted';
export const accessKeyId = 'AKIASCRIPTED';
/** Nothing that is shown may hold it. */
export const canarySecret = 'canary-secret-of-the-store';
export const canaryToken = 'canary-token-of-the-store';

/** An S3 server that answers as a test says, and remembers what it was asked. */
export class ScriptedS3 implements AsyncDisposable {
  readonly requests: ScriptedRequest[] = [];
  readonly #server: Server;
  readonly #onCut: (() => void)[] = [];
  script: Script = () => ({ status: 501, body: errorXml('NotImplemented') });

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => undefined);
      response.on('close', () => {
        if (!response.writableEnded) for (const tell of this.#onCut.splice(0)) tell();
      });
      request.on('end', () => {
        const url = new URL(request.url ?? '/', 'http://127.0.0.1');
        const scripted: ScriptedRequest = {
          method: request.method ?? '',
          key: decodeURIComponent(url.pathname).slice(`/${bucketName}/`.length),
          query: url.searchParams,
          headers: request.headers,
          body: Buffer.concat(chunks),
        };
        this.requests.push(scripted);
        answer(response, this.script(scripted, this.requests.length), scripted.method);
      });
    });
  }

  static async start(script?: Script): Promise<ScriptedS3> {
    const scripted = new ScriptedS3();
    if (script !== undefined) scripted.script = script;
    await new Promise<void>((resolve) => scripted.#server.listen(0, '127.0.0.1', resolve));
    return scripted;
  }

  get endpoint(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new RangeError('the server has no port');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Resolves when the client next closes a connection before its answer was complete. */
  cut(): Promise<void> {
    return new Promise((resolve) => this.#onCut.push(resolve));
  }

  /** A connection that waits for nothing between attempts. */
  async connect(options: Partial<S3ConnectionOptions> & { readonly prefix?: string } = {}): Promise<S3Connection> {
    const { prefix, ...others } = options;
    return await connectS3({
      spec: {
        kind: 's3',
        bucket: bucketName,
        region: 'eu-test-1',
        endpoint: this.endpoint,
        ...(prefix === undefined ? {} : { prefix }),
        credentials: { source: 'sealed' },
      },
      keys: () => ({ accessKeyId, secretAccessKey: Buffer.from(canarySecret), sessionToken: Buffer.from(canaryToken) }),
      sleep: async () => await Promise.resolve(),
      random: () => 0,
      ...others,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answer(response: ServerResponse, reply: Reply, method: string): void {
  if (reply.isLost === true) {
    response.destroy();
    return;
  }
  const body = Buffer.from(reply.body ?? '');
  response.writeHead(reply.status ?? 200, { 'content-length': String(body.length), date: new Date().toUTCString(), ...reply.headers });
  if (method === 'HEAD') {
    response.end();
    return;
  }
  if (reply.cutAfter !== undefined) {
    response.write(body.subarray(0, reply.cutAfter), () => response.destroy());
  } else if (reply.stallAfter === undefined) {
    response.end(body);
  } else {
    response.write(body.subarray(0, reply.stallAfter));
  }
}

export function errorXml(code: string, more = ''): string {
  // Real stores repeat what they were sent.
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>text of the store ${canarySecret}</Message>${more}<RequestId>R1</RequestId></Error>`;
}

export interface ScriptedVersion {
  readonly key: string;
  /** Left out: a delete marker's. */
  readonly size?: number;
  readonly versionId: string;
  readonly isDeleteMarker?: boolean;
  readonly isLatest?: boolean;
  readonly at?: string;
}

export interface PageEnd {
  readonly keyMarker: string;
  readonly versionIdMarker: string;
}

export function versionsXml(versions: readonly ScriptedVersion[], next?: PageEnd): string {
  const entries = versions.map(
    ({ key, size = 0, versionId, isDeleteMarker = false, isLatest = false, at = '2026-01-02T03:04:05.000Z' }) => {
      const element = isDeleteMarker ? 'DeleteMarker' : 'Version';
      const length = isDeleteMarker ? '' : `<Size>${size}</Size><ETag>"x"</ETag>`;
      return `<${element}><Key>${encodeURIComponent(key).replaceAll('%2F', '/')}</Key><VersionId>${versionId}</VersionId><IsLatest>${isLatest}</IsLatest><LastModified>${at}</LastModified>${length}</${element}>`;
    },
  );
  const end =
    next === undefined
      ? '<IsTruncated>false</IsTruncated>'
      : `<IsTruncated>true</IsTruncated><NextKeyMarker>${encodeURIComponent(next.keyMarker)}</NextKeyMarker><NextVersionIdMarker>${next.versionIdMarker}</NextVersionIdMarker>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucketName}</Name><EncodingType>url</EncodingType>${end}${entries.join('')}</ListVersionsResult>`;
}

export function objectsXml(objects: readonly { readonly key: string; readonly size: number }[], token?: string): string {
  const entries = objects.map(
    ({ key, size }) =>
      `<Contents><Key>${encodeURIComponent(key).replaceAll('%2F', '/')}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>${size}</Size></Contents>`,
  );
  const end =
    token === undefined
      ? '<IsTruncated>false</IsTruncated>'
      : `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucketName}</Name><EncodingType>url</EncodingType>${end}${entries.join('')}</ListBucketResult>`;
}
