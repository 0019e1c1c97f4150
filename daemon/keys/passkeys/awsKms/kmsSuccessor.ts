import {
  GetKeyPolicyCommand,
  type KeyMetadata,
  ListGrantsCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  type Tag,
} from '@aws-sdk/client-kms';
import { ownerOfKeyArn, readAwsKeyName } from '../../../../protocol/awsKeyName.ts';
import { type AwsTag, successorTag } from '../../../../protocol/keyCommands.ts';
import { isPassing, KeyServiceFailure } from '../../agent/keyProblem.ts';
import { badAnswer } from './kmsClient.ts';
import type { FoundKey, KmsKeys } from './kmsKeys.ts';
import { stateProblem } from './kmsProblems.ts';

/** A page of a listing. */
const keysAtOnce = 200;
const tagsAtOnce = 50;
const lookedAtTogether = 4;

export type KeyArnName = Extract<ReturnType<typeof readAwsKeyName>, { readonly form: 'keyArn' }>;

/** Throws `badAnswer`. */
export function keyArnName(text: string | undefined): KeyArnName {
  const name = readAwsKeyName(text ?? '');
  if (name?.form !== 'keyArn') throw badAnswer('what names the new key is no ARN');
  return name;
}

/**
 * Whoever may make keys in the account, or move the alias, could have the master key wrapped for himself: a key that somebody else made follows another only
 * where nobody can use it who could not use that. Resolves with the key where that is so. Rejects with `notOurs` where it is not, with `accessDenied` where
 * policies or grants may not be read, and with the state's problem where the key can not be used.
 */
export async function trustedSuccessor(keys: KmsKeys, old: FoundKey, keyArn: string): Promise<FoundKey> {
  const name = keyArnName(keyArn);
  if (ownerOfKeyArn(name.arn) !== ownerOfKeyArn(old.arn)) throw differs(name.arn, 'it is of another account or region');
  const found = await keys.find(name);
  // Material that somebody brought is known to him.
  if (originOf(found.metadata) !== originOf(old.metadata)) throw differs(found.arn, 'its material comes from elsewhere');
  const copies = copiesProblem(old, found);
  if (copies !== undefined) throw copies;
  const problem = stateProblem(found.metadata, keys.place(found.arn));
  if (problem !== undefined) throw problem;
  const [before, now] = [await policyOf(keys, old.arn), await policyOf(keys, found.arn)];
  // The shell takes the end of the line away where a command hands a policy on.
  if (now.trimEnd() !== before.trimEnd()) throw differs(found.arn, `its policy is not that of ${old.arn}`);
  // In this order: who may no longer make a grant or a copy by the policy that was read may have made one before.
  if (await hasGrants(keys, found.arn)) throw differs(found.arn, 'it has grants, which allow its use beside the policy');
  if (found.metadata.MultiRegion !== true) return found;
  const again = await keys.find(name);
  const later = copiesProblem(old, again);
  if (later !== undefined) throw later;
  return again;
}

function differs(arn: string, why: string): KeyServiceFailure {
  return new KeyServiceFailure(
    'notOurs',
    `the key ${arn} can not take its place: ${why}`,
    'Add it as a passkey of its own if it is yours.',
  );
}

function originOf({ Origin: origin }: KeyMetadata): string {
  return origin ?? 'AWS_KMS';
}

/** Copies of a key in other regions have policies of their own. */
function copiesProblem(old: FoundKey, { arn, metadata }: FoundKey): KeyServiceFailure | undefined {
  if (metadata.MultiRegion !== true) return undefined;
  if (old.metadata.MultiRegion !== true) return differs(arn, 'it can be copied to other regions');
  const { MultiRegionKeyType: type, ReplicaKeys: replicas = [] } = metadata.MultiRegionConfiguration ?? {};
  if (type === 'PRIMARY' && replicas.length === 0) return undefined;
  return new KeyServiceFailure(
    'accessDenied',
    `the key ${arn} has copies in other regions, whose policies were not read`,
    'Look at that key, then name it with --key-arn.',
  );
}

export async function policyOf(keys: KmsKeys, arn: string): Promise<string> {
  const answer = await keys.calls.make(
    { right: 'kms:GetKeyPolicy', key: arn, isRepeatable: true },
    async (options) => await keys.wire.client.send(new GetKeyPolicyCommand({ KeyId: arn, PolicyName: 'default' }), options),
  );
  if (answer.Policy === undefined) throw badAnswer('it gave no policy');
  return answer.Policy;
}

async function hasGrants(keys: KmsKeys, arn: string): Promise<boolean> {
  const answer = await keys.calls.make(
    { right: 'kms:ListGrants', key: arn, isRepeatable: true },
    async (options) => await keys.wire.client.send(new ListGrantsCommand({ KeyId: arn, Limit: tagsAtOnce }), options),
  );
  return (answer.Grants ?? []).length > 0 || answer.Truncated === true;
}

export async function tagsOf(keys: KmsKeys, arn: string): Promise<readonly AwsTag[]> {
  const answer = await keys.calls.make(
    { right: 'kms:ListResourceTags', key: arn, isRepeatable: true },
    async (options) => await keys.wire.client.send(new ListResourceTagsCommand({ KeyId: arn, Limit: tagsAtOnce }), options),
  );
  return (answer.Tags ?? []).flatMap(({ TagKey, TagValue }: Tag) =>
    TagKey === undefined || TagValue === undefined ? [] : [{ TagKey, TagValue }],
  );
}

/** The keys with the tag of a successor: a call before this one may have made one, and anybody who has read the tag another. */
export async function taggedKeys(keys: KmsKeys, tag: string, oldArn: string): Promise<readonly string[]> {
  const tagged: string[] = [];
  let marker: string | undefined;
  do {
    const from = marker;
    const page = await keys.calls.make(
      { right: 'kms:ListKeys', key: 'the keys of the account', isRepeatable: true },
      async (options) =>
        await keys.wire.client.send(new ListKeysCommand({ Limit: keysAtOnce, ...(from === undefined ? {} : { Marker: from }) }), options),
    );
    const arns = (page.Keys ?? []).flatMap(({ KeyArn }) => (KeyArn === undefined || KeyArn === oldArn ? [] : [KeyArn]));
    for (let at = 0; at < arns.length; at += lookedAtTogether) {
      const group = arns.slice(at, at + lookedAtTogether);
      const carrying = await Promise.all(group.map(async (arn) => ((await hasTag(keys, arn, tag)) ? arn : undefined)));
      tagged.push(...carrying.filter((arn) => arn !== undefined));
    }
    marker = page.Truncated === true ? page.NextMarker : undefined;
  } while (marker !== undefined);
  return tagged;
}

/** A key whose tags may not be read is none that was made with the policy of one whose tags may. */
async function hasTag(keys: KmsKeys, arn: string, tag: string): Promise<boolean> {
  try {
    return (await tagsOf(keys, arn)).some(({ TagKey, TagValue }) => TagKey === successorTag && TagValue === tag);
  } catch (error) {
    if (error instanceof KeyServiceFailure && !isPassing(error.problem.kind)) return false;
    throw error;
  }
}
