import { HoldfastError } from '../../../protocol/errors.ts';
import type { S3Credentials } from '../../../protocol/methods/locations.ts';
import { type AwsIdentity, type AwsIdentitySource, identityProvider, shownIdentitySource } from '../awsIdentity.ts';
import { failureOf, isNetwork } from './s3Failure.ts';
import type { S3KeySource } from './s3Options.ts';

/** Asked again that long before the end. */
const renewedBeforeMs = 300_000;

/**
 * Where the SDK gets its identity for each request. Handed-over keys are asked for each time, so that none outlives their owner's; what a chain, profile or
 * role gave is kept until shortly before its end, or until the store says that it has ended.
 */
export class CredentialSource {
  readonly #source: S3Credentials;
  readonly #region: string;
  readonly #keys: S3KeySource | undefined;
  #provider: (() => Promise<AwsIdentity>) | undefined;
  #held: AwsIdentity | undefined;
  #pending: Promise<AwsIdentity> | undefined;

  constructor(source: S3Credentials, region: string, keys: S3KeySource | undefined) {
    this.#source = source;
    this.#region = region;
    this.#keys = keys;
  }

  /** Rejects with `storeRefused` where there are none, and with what the owner of handed-over keys says (`locked`). */
  async identity(): Promise<AwsIdentity> {
    if (this.#source.source === 'sealed') return await this.#sealed();
    const held = this.#held;
    if (held !== undefined && (held.expiration === undefined || held.expiration.getTime() - Date.now() > renewedBeforeMs)) return held;
    this.#pending ??= this.#asked();
    return await this.#pending;
  }

  /** Drops what was held, so that the next request asks again. */
  renew(): void {
    this.#held = undefined;
    this.#provider = undefined;
  }

  async #sealed(): Promise<AwsIdentity> {
    if (this.#keys === undefined) throw noCredentials('none were handed over', undefined);
    const keys = await this.#keys();
    return {
      accessKeyId: keys.accessKeyId,
      secretAccessKey: textOf(keys.secretAccessKey),
      ...(keys.sessionToken === undefined ? {} : { sessionToken: textOf(keys.sessionToken) }),
    };
  }

  async #asked(): Promise<AwsIdentity> {
    try {
      this.#provider ??= identityProvider(unsealed(this.#source), this.#region);
      this.#held = await this.#provider();
      return this.#held;
    } catch (error) {
      this.#provider = undefined;
      throw error instanceof HoldfastError ? error : noCredentials(shownIdentitySource(unsealed(this.#source)), error);
    } finally {
      this.#pending = undefined;
    }
  }
}

/** Sealed keys never get here. */
function unsealed(source: S3Credentials): AwsIdentitySource {
  return source.source === 'sealed' ? { source: 'chain' } : source;
}

/** What the SDK says may hold what it was given: names and codes alone are told. */
function noCredentials(reason: string, error: unknown): HoldfastError {
  const { name, system } = failureOf(error);
  const action = 'get credentials for the bucket';
  if (isNetwork(system)) {
    return HoldfastError.failedTo('storeUnreachable', action, `what gives them is not reachable (${system ?? ''})`, {
      fix: 'Check the network, then try again.',
    });
  }
  return HoldfastError.failedTo('storeRefused', action, reason, {
    fix: "Set the location's credentials again, or put the AWS configuration of this user right.",
    ...(name === '' ? {} : { details: { credentials: name } }),
  });
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
