import { DescribeKeyCommand, GetKeyRotationStatusCommand, type KeyMetadata } from '@aws-sdk/client-kms';
import { aliasArnBeside, type AwsKeyName, readAwsKeyName } from '../../../../protocol/awsKeyName.ts';
import type { AwsKeyPlace } from '../../../../protocol/keyCommands.ts';
import type { AwsKmsFacts } from '../../agent/keyFacts.ts';
import { isPassing, KeyServiceFailure } from '../../agent/keyProblem.ts';
import type { KmsCalls } from './kmsCalls.ts';
import { badAnswer, type KmsWire } from './kmsClient.ts';
import { dateText } from './kmsProblems.ts';

/** A key that was looked at. */
export interface FoundKey {
  /** Never an alias's. */
  readonly arn: string;
  readonly metadata: KeyMetadata;
}

/** The keys of one region, as one user of AWS sees them. */
export class KmsKeys {
  readonly wire: KmsWire;
  readonly calls: KmsCalls;
  readonly #region: string;
  readonly #endpoint: string | null;

  constructor(wire: KmsWire, calls: KmsCalls, { region, endpoint }: Pick<AwsKeyPlace, 'region' | 'endpoint'>) {
    this.wire = wire;
    this.calls = calls;
    this.#region = region;
    this.#endpoint = endpoint;
  }

  place(keyArn: string): AwsKeyPlace {
    return { keyArn, region: this.#region, endpoint: this.#endpoint };
  }

  /** Looks a key up. Rejects for one that this program can not wrap with, whatever its state. */
  async find(name: AwsKeyName): Promise<FoundKey> {
    const found = await this.#described(name);
    const problem = unfit(found);
    if (problem !== undefined) throw problem;
    return found;
  }

  /** The key that an alias in the account of a key names at this moment, whatever kind of key it is; `undefined` where there is no such alias. */
  async arnNow(alias: string, keyArn: string): Promise<string | undefined> {
    try {
      return (await this.#described({ form: 'aliasArn', arn: aliasArnBeside(keyArn, alias), region: this.#region, alias })).arn;
    } catch (error) {
      if (error instanceof KeyServiceFailure && error.problem.kind === 'keyMissing') return undefined;
      throw error;
    }
  }

  async #described(name: AwsKeyName): Promise<FoundKey> {
    const keyId = name.form === 'keyId' ? name.keyId : name.form === 'alias' ? name.alias : name.arn;
    const answer = await this.calls.make(
      { right: 'kms:DescribeKey', key: keyId, isRepeatable: true },
      async (options) => await this.wire.client.send(new DescribeKeyCommand({ KeyId: keyId }), options),
    );
    const metadata = answer.KeyMetadata;
    const arn = readAwsKeyName(metadata?.Arn ?? '');
    if (metadata === undefined || arn?.form !== 'keyArn') throw badAnswer('what it says of the key is incomplete');
    if (arn.region !== this.#region) throw otherRegion(arn.region, this.#region);
    if ((name.form === 'keyArn' && arn.arn !== name.arn) || (name.form === 'keyId' && !arn.arn.endsWith(`/${name.keyId}`))) {
      throw badAnswer('it speaks of another key than the one that was asked for');
    }
    return { arn: arn.arn, metadata };
  }

  async factsOf({ arn, metadata }: FoundKey, alias: string | null): Promise<AwsKmsFacts> {
    return {
      kind: 'awsKms',
      keyArn: arn,
      alias,
      region: this.#region,
      state: /^\w{1,64}$/.test(metadata.KeyState ?? '') ? String(metadata.KeyState) : 'unknown',
      deletionDate: dateText(metadata.DeletionDate),
      rotatesItself: await this.#rotatesItself(arn),
    };
  }

  /** Keys that were allowed to us before this was asked for do not have this right. */
  async #rotatesItself(arn: string): Promise<boolean | null> {
    try {
      const answer = await this.calls.make(
        { right: 'kms:GetKeyRotationStatus', key: arn, isRepeatable: true },
        async (options) => await this.wire.client.send(new GetKeyRotationStatusCommand({ KeyId: arn }), options),
      );
      return typeof answer.KeyRotationEnabled === 'boolean' ? answer.KeyRotationEnabled : null;
    } catch (error) {
      if (error instanceof KeyServiceFailure && !isPassing(error.problem.kind)) return null;
      throw error;
    }
  }
}

export function otherRegion(found: string, asked: string): KeyServiceFailure {
  return new KeyServiceFailure(
    'keyMissing',
    `the key is in region ${found}, not in ${asked}`,
    `Give the region ${found}, or a key of ${asked}.`,
  );
}

/** Not all services say the usage of a key that encrypts and decrypts; its kind decides. */
function unfit({ arn, metadata }: FoundKey): KeyServiceFailure | undefined {
  const fix = 'Use a symmetric key for encryption (SYMMETRIC_DEFAULT) that is managed by you.';
  const spec = metadata.KeySpec ?? metadata.CustomerMasterKeySpec;
  const usage = metadata.KeyUsage;
  if (spec !== 'SYMMETRIC_DEFAULT' || (usage !== undefined && usage !== 'ENCRYPT_DECRYPT')) {
    const shown = typeof spec === 'string' && /^\w{1,40}$/.test(spec) ? spec : 'another kind';
    return new KeyServiceFailure('wrongKeyType', `the key ${arn} is not one that encrypts and decrypts symmetrically (${shown})`, fix);
  }
  if (metadata.KeyManager !== 'CUSTOMER') {
    return new KeyServiceFailure('wrongKeyType', `the key ${arn} is managed by AWS, so that its policy can not allow this use`, fix);
  }
  return undefined;
}
