import type { S3Client } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../../protocol/errors.ts';
import { placeOf } from '../../../protocol/locationSpec.ts';
import { isObjectKey } from '../objectKey.ts';
import { throwIfAborted } from '../storeErrors.ts';
import type { S3ConnectionOptions } from './s3Options.ts';
import type { AnswerFacts } from './s3Answers.ts';
import type { ObjectReads } from './objectReads.ts';
import { makeClient, type S3Wire } from './s3Client.ts';
import { CredentialSource } from './s3Credentials.ts';
import { s3Error } from './s3Errors.ts';
import { failureOf, isExpired, type S3Failure } from './s3Failure.ts';
import { Retries } from './s3Retries.ts';

const defaultAttempts = 8;
/** Where nothing answers at all, waiting longer helps nobody. */
const attemptsUnreached = 4;
const unreached: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

export interface S3Call {
  /** `put object x`, for the sentence of an error. */
  readonly action: string;
  /** What it needs, as a policy names it. */
  readonly permission: string;
  readonly signal?: AbortSignal | undefined;
  readonly lock?: 'act' | 'carried' | undefined;
}

/** What every request of a run of attempts is given. */
export interface Attempt {
  readonly client: S3Client;
  readonly reads: ObjectReads | undefined;
  readonly options: { readonly abortSignal?: AbortSignal };
}

/** One bucket on the wire: names with and without our prefix, and requests with retries whose failures are `HoldfastError`s. */
export class S3Bucket implements Disposable {
  readonly name: string;
  readonly place: string;
  readonly #prefix: string;
  readonly #region: string;
  readonly #host: string;
  readonly #wire: S3Wire;
  readonly #credentials: CredentialSource;
  readonly #retries: Retries;

  constructor(options: S3ConnectionOptions) {
    const { spec, keys, limits } = options;
    this.name = spec.bucket;
    this.place = placeOf(spec);
    this.#prefix = spec.prefix === undefined ? '' : `${spec.prefix}/`;
    this.#region = spec.region;
    this.#host = spec.endpoint === undefined ? 'AWS' : new URL(spec.endpoint).host;
    this.#credentials = new CredentialSource(spec.credentials, spec.region, keys);
    this.#wire = makeClient(options, this.#credentials);
    this.#retries = new Retries(limits?.attempts ?? defaultAttempts, options);
  }

  get region(): string {
    return this.#region;
  }

  /** Whether objects come by sockets of our own. */
  get hasReads(): boolean {
    return this.#wire.reads !== undefined;
  }

  /** The key in the bucket. */
  fullKey(key: string): string {
    return this.#prefix + key;
  }

  /** The key below our prefix; `undefined` for what is not ours to see: elsewhere, or outside the grammar. */
  ownKey(fullKey: string): string | undefined {
    if (!fullKey.startsWith(this.#prefix)) return undefined;
    const key = fullKey.slice(this.#prefix.length);
    return isObjectKey(key) ? key : undefined;
  }

  factsOf(output: object): AnswerFacts {
    return this.#wire.answers.factsOf(output);
  }

  /**
   * Makes a request until it comes through, as `Retries` says. Credentials that have expired are asked for anew, once. What the attempt itself throws as
   * `storeFailed` is tried again like an answer that is none; other `HoldfastError`s end it.
   */
  async call<T>(call: S3Call, attempt: (attempt: Attempt) => Promise<T>): Promise<T> {
    const { action, signal } = call;
    let isRenewed = false;
    for (let made = 1; ; made++) {
      throwIfAborted(signal, action);
      try {
        const result = await attempt({
          client: this.#wire.client,
          reads: this.#wire.reads,
          options: signal === undefined ? {} : { abortSignal: signal },
        });
        this.#retries.succeeded();
        return result;
      } catch (error) {
        throwIfAborted(signal, action);
        if (error instanceof HoldfastError && error.code !== 'storeFailed') throw error;
        const failure = failureOf(error);
        if (isExpired(failure) && !isRenewed) {
          isRenewed = true;
          this.#credentials.renew();
          continue;
        }
        if (await this.#goesOn(call, failure, made)) continue;
        throw error instanceof HoldfastError ? ofAction(action, error) : this.#errorOf(call, failure);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#wire.client.destroy();
    this.#wire.reads?.[Symbol.dispose]();
  }

  async #goesOn({ action, signal }: S3Call, failure: S3Failure, made: number): Promise<boolean> {
    if (made >= attemptsUnreached && unreached.has(failure.system ?? '')) return false;
    try {
      return await this.#retries.another(failure, made, signal);
    } catch (error) {
      throwIfAborted(signal, action);
      throw error;
    }
  }

  #errorOf(call: S3Call, failure: S3Failure): HoldfastError {
    const { action, permission, lock } = call;
    return s3Error({ action, permission, lock, bucket: this.name, region: this.#region, host: this.#host }, failure);
  }
}

/** An answer that was refused before it was known what it answers. */
function ofAction(action: string, error: HoldfastError): HoldfastError {
  const { code, reason, fix } = error;
  return HoldfastError.failedTo(code, action, reason, fix === undefined ? {} : { fix });
}
