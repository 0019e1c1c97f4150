import { DecryptCommand, EncryptCommand } from '@aws-sdk/client-kms';
import { type AwsKeyName, readAwsKeyName } from '../../../../protocol/awsKeyName.ts';
import { isAwsRegion } from '../../../../protocol/awsSettings.ts';
import { endpointProblem, normalEndpoint } from '../../../../protocol/endpointAddress.ts';
import type { InstallationId } from '../../../../protocol/ids.ts';
import type { AwsKmsAccess, AwsKmsTarget, ServiceSlot } from '../../agent/keyAccess.ts';
import type { CallSecrets } from '../../agent/keyCall.ts';
import type { AwsKmsFacts } from '../../agent/keyFacts.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';
import { type KeyAct, type KeyService, longestPlaintext, type SlotBinding, type WrappedKey } from '../../agent/keyService.ts';
import { KmsCalls, type KmsSurroundings } from './kmsCalls.ts';
import { badAnswer, makeKmsClient } from './kmsClient.ts';
import { kmsIdentity } from './kmsCredentials.ts';
import { type FoundKey, KmsKeys, otherRegion } from './kmsKeys.ts';
import { dateText, stateProblem } from './kmsProblems.ts';
import { actAtKms } from './kmsRotation.ts';

/** AWS KMS API reference, Encrypt: CiphertextBlob. */
const longestWrapped = 6144;

/**
 * A key of AWS KMS, inside a key agent's process. Nothing is asked before the first call. Rejects with `KeyServiceFailure` where target or access can not
 * be right, or there are no credentials.
 */
export async function openAwsKms(
  target: AwsKmsTarget,
  access: AwsKmsAccess,
  given: CallSecrets,
  surroundings: KmsSurroundings = {},
): Promise<KeyService> {
  const { region, keyId } = target;
  if (!isAwsRegion(region)) {
    throw new KeyServiceFailure('keyMissing', 'the region is none of AWS', 'Give the region of the key, such as eu-central-1.');
  }
  const name = readAwsKeyName(keyId);
  if (name === undefined) {
    throw new KeyServiceFailure(
      'keyMissing',
      'what names the key is no id, ARN or alias',
      'Give the ARN of the key, its id, or its alias as alias/NAME.',
    );
  }
  if ('region' in name && name.region !== region) throw otherRegion(name.region, region);
  const problem = access.endpoint === null ? undefined : endpointProblem(access.endpoint);
  if (problem !== undefined) throw new KeyServiceFailure('unreachable', problem, 'Give the endpoint as https://HOST.');
  const endpoint = access.endpoint === null ? null : normalEndpoint(access.endpoint);
  const identity = await kmsIdentity(access.credentials, given, region);
  const wire = makeKmsClient({ region, endpoint, identity: async () => await Promise.resolve(identity), environment: process.env });
  const { accessKeyId, secretAccessKey, sessionToken } = identity;
  const secrets = [secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken]), accessKeyId].filter((text) => text !== '');
  return new AwsKmsKey(name, region, new KmsKeys(wire, new KmsCalls(wire.host, secrets, surroundings), { region, endpoint }));
}

class AwsKmsKey implements KeyService {
  readonly #name: AwsKeyName;
  readonly #region: string;
  readonly #keys: KmsKeys;

  constructor(name: AwsKeyName, region: string, keys: KmsKeys) {
    this.#name = name;
    this.#region = region;
    this.#keys = keys;
  }

  async describe(): Promise<AwsKmsFacts> {
    return await this.#keys.factsOf(await this.#keys.find(this.#name), 'alias' in this.#name ? this.#name.alias : null);
  }

  async wrap(plaintext: Uint8Array, binding: SlotBinding): Promise<WrappedKey> {
    const found = await this.#keys.find(this.#name);
    const { arn } = found;
    const problem = stateProblem(found.metadata, this.#keys.place(arn)) ?? endingMaterial(found);
    if (problem !== undefined) throw problem;
    const answer = await this.#withState(
      arn,
      async () =>
        await this.#keys.calls.make(
          { right: 'kms:Encrypt', key: arn, isRepeatable: true },
          async (options) =>
            await this.#keys.wire.client.send(
              new EncryptCommand({
                KeyId: arn,
                Plaintext: plaintext,
                EncryptionContext: encryptionContext(binding),
                EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
              }),
              options,
            ),
        ),
    );
    if (answer.KeyId !== arn) throw badAnswer('another key than the one that was asked wrapped the master key');
    const { CiphertextBlob: wrapped } = answer;
    if (!(wrapped instanceof Uint8Array) || wrapped.length === 0 || wrapped.length > longestWrapped) {
      throw badAnswer('what it gave is no wrapped key');
    }
    return { kind: 'awsKms', reference: { keyArn: arn, region: this.#region }, wrapped: Buffer.from(wrapped).toString('base64') };
  }

  async unwrap(slot: ServiceSlot, installationId: InstallationId): Promise<Uint8Array<ArrayBuffer>> {
    // By its ARN alone: an alias may name another key by now.
    if (slot.kind !== 'awsKms' || this.#name.form !== 'keyArn' || slot.reference.keyArn !== this.#name.arn) {
      throw new KeyServiceFailure('notOurs', 'the slot names no key by its ARN', 'Use another passkey.');
    }
    const { arn } = this.#name;
    const answer = await this.#withState(
      arn,
      async () =>
        await this.#keys.calls.make(
          { right: 'kms:Decrypt', key: arn, isRepeatable: true },
          async (options) =>
            await this.#keys.wire.client.send(
              new DecryptCommand({
                KeyId: arn,
                CiphertextBlob: Buffer.from(slot.wrapped, 'base64'),
                EncryptionContext: encryptionContext({ installationId, masterKeyId: slot.masterKeyId, slotId: slot.slotId }),
                EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
              }),
              options,
            ),
        ),
    );
    const { KeyId: by, Plaintext: given } = answer;
    if (!(given instanceof Uint8Array)) throw badAnswer('it gave nothing');
    const plaintext = Uint8Array.from(given);
    given.fill(0);
    if (by === arn && plaintext.length <= longestPlaintext) return plaintext;
    plaintext.fill(0);
    throw badAnswer(by === arn ? 'what it gave is too long' : 'it unwrapped with another key than the one that was asked');
  }

  async act(act: KeyAct): Promise<AwsKmsFacts> {
    return await actAtKms(this.#keys, this.#name, act);
  }

  /** Which state it is that a key can not be used in is asked for, where that may be asked. */
  async #withState<Output>(arn: string, use: () => Promise<Output>): Promise<Output> {
    try {
      return await use();
    } catch (error) {
      if (!(error instanceof KeyServiceFailure) || !isOfState(error)) throw error;
      const found = await this.#lookedUp(arn);
      throw (found === undefined ? undefined : stateProblem(found.metadata, this.#keys.place(arn))) ?? error;
    }
  }

  async #lookedUp(arn: string): Promise<FoundKey | undefined> {
    try {
      return await this.#keys.find({ form: 'keyArn', arn, region: this.#region });
    } catch (error) {
      if (error instanceof KeyServiceFailure) return undefined;
      throw error;
    }
  }
}

/** The encryption context of docs/format.md, Kinds awsKms and vaultTransit. */
function encryptionContext({ installationId, masterKeyId, slotId }: SlotBinding): Record<string, string> {
  return {
    app: 'holdfast',
    installationId,
    masterKeyId: Buffer.from(masterKeyId, 'base64').toString('hex'),
    slotId,
    purpose: 'wrap-master-key-v1',
  };
}

function isOfState({ problem, cause }: KeyServiceFailure): boolean {
  return problem.kind === 'keyDisabled' || (cause instanceof Error && cause.name === 'KMSInvalidStateException');
}

/** Imported material that ends takes with it what was wrapped. */
function endingMaterial({ arn, metadata }: FoundKey): KeyServiceFailure | undefined {
  if (metadata.Origin !== 'EXTERNAL' || metadata.ExpirationModel !== 'KEY_MATERIAL_EXPIRES') return undefined;
  const until = dateText(metadata.ValidTo);
  return new KeyServiceFailure(
    'wrongKeyType',
    `the imported material of the key ${arn} expires${until === null ? '' : ` on ${until}`}`,
    'Use a key whose material AWS KMS made, or import it without a date.',
  );
}
