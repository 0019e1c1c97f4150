import type { S3Client } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../../protocol/errors.ts';

/** What an answer says beside what the SDK makes of it. */
export interface AnswerFacts {
  readonly headers: Readonly<Record<string, string>>;
  /** Of a listing of versions: which elements are delete markers, in the order of the document, which the SDK's two lists lose. */
  readonly isDeleteMarker: readonly boolean[];
}

/** A page of a thousand versions is about 700 kB. */
const longestAnswer = 16 << 20;
const listings: Readonly<Record<string, string>> = {
  ListObjectsV2Command: '</ListBucketResult>',
  ListObjectVersionsCommand: '</ListVersionsResult>',
};

/**
 * Looks at each answer before the SDK does: an error with status 200 becomes one, a listing without its end is refused (`storeFailed`), and no answer but an
 * object's fills memory. The facts of an answer are found by the output that the SDK made of it.
 */
export class Answers {
  readonly #facts = new WeakMap<object, AnswerFacts>();

  watch(client: S3Client): void {
    const orders = new WeakMap<object, readonly boolean[]>();
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        const { response } = result;
        const { commandName } = context;
        if (!isResponse(response)) return result;
        if (commandName === 'GetObjectCommand' && response.statusCode < 300) return result;
        const body = await collected(response.body);
        const text = body.toString('latin1');
        response.body = body;
        if (response.statusCode < 300 && /^\s*(?:<\?xml[^>]*\?>\s*)?<Error[\s>]/.test(text)) response.statusCode = 500;
        // A proxy's page is no answer of the store.
        if (response.statusCode >= 300 && !/^\s*<(?:\?xml|Error)/.test(text)) response.body = Buffer.alloc(0);
        const end = typeof commandName === 'string' ? listings[commandName] : undefined;
        if (end !== undefined && response.statusCode < 300 && !text.trimEnd().endsWith(end)) throw cutOff();
        if (commandName === 'ListObjectVersionsCommand') orders.set(response, elementsOf(text));
        return result;
      },
      { step: 'deserialize', name: 'holdfastAnswers', priority: 'low' },
    );
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const { output, response } = result;
        if (isResponse(response) && typeof output === 'object')
          this.#facts.set(output, { headers: response.headers, isDeleteMarker: orders.get(response) ?? [] });
        return result;
      },
      { step: 'deserialize', name: 'holdfastFacts', priority: 'high' },
    );
  }

  factsOf(output: object): AnswerFacts {
    return this.#facts.get(output) ?? { headers: {}, isDeleteMarker: [] };
  }
}

interface Response {
  statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  body?: unknown;
}

function isResponse(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && 'statusCode' in value && typeof value.statusCode === 'number' && 'headers' in value;
}

async function collected(body: unknown): Promise<Buffer> {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.length);
  if (!isBytes(body)) throw cutOff();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > longestAnswer) throw cutOff();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A body as Node's client gives it. */
function isBytes(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/** `<` stands nowhere in an XML document but at an element, so that no key can pass for one. */
function elementsOf(text: string): readonly boolean[] {
  return Array.from(text.matchAll(/<(Version|DeleteMarker)[\s>]/g), ([, element]) => element === 'DeleteMarker');
}

function cutOff(): HoldfastError {
  return HoldfastError.failedTo('storeFailed', 'read the answer of the store', 'it is cut off or malformed', { fix: 'Try again.' });
}
