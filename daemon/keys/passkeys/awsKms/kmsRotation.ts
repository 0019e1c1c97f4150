import {
  CreateKeyCommand,
  GetKeyPolicyCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  ScheduleKeyDeletionCommand,
  type Tag,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { type AwsKeyName, readAwsKeyName } from '../../../../protocol/awsKeyName.ts';
import {
  type AwsTag,
  awsCreateSuccessorCommand,
  awsMoveAliasCommand,
  awsScheduleDeletionCommand,
  successorTag,
} from '../../../../protocol/keyCommands.ts';
import type { AwsKmsFacts } from '../../agent/keyFacts.ts';
import { isPassing, KeyServiceFailure } from '../../agent/keyProblem.ts';
import type { KeyAct } from '../../agent/keyService.ts';
import { badAnswer } from './kmsClient.ts';
import type { FoundKey, KmsKeys } from './kmsKeys.ts';
import { stateProblem } from './kmsProblems.ts';

/** A page of a listing. */
const keysAtOnce = 200;
const tagsAtOnce = 50;
const lookedAtTogether = 4;

/** Does a step of a rotation. What may not be done comes back as `accessDenied` with the command for somebody who may. */
export async function actAtKms(keys: KmsKeys, name: AwsKeyName, act: KeyAct): Promise<AwsKmsFacts> {
  switch (act.act) {
    case 'createSuccessor':
      return await createSuccessor(keys, name, act.tag);
    case 'moveAlias':
      return await moveAlias(keys, act.alias, act.keyArn);
    case 'scheduleDeletion':
      return await scheduleDeletion(keys, name, act.days);
    case 'rotateKey':
    case 'raiseMinimum':
    case 'renewToken':
      throw new KeyServiceFailure('failed', 'AWS KMS has no such step', 'Rotate the passkey.');
  }
}

async function createSuccessor(keys: KmsKeys, name: AwsKeyName, tag: string): Promise<AwsKmsFacts> {
  const old = await keys.find(name);
  const { metadata, arn } = old;
  if (metadata.Origin !== 'AWS_KMS' && metadata.Origin !== undefined) {
    throw new KeyServiceFailure(
      'wrongKeyType',
      `the material of the key ${arn} was not made by AWS KMS, so that a key like it can not be made here`,
      'Make the new key by hand, and add it as a passkey.',
    );
  }
  const description = metadata.Description ?? '';
  const isMultiRegion = metadata.MultiRegion === true;
  let tags: readonly AwsTag[] = [];
  return await orCommand(
    () =>
      awsCreateSuccessorCommand({
        ...keys.place(arn),
        tag,
        tags,
        description,
        isMultiRegion,
        alias: 'alias' in name ? name.alias : null,
      }),
    async () => {
      tags = (await tagsOf(keys, arn)).filter(({ TagKey }) => TagKey !== successorTag && !TagKey.startsWith('aws:'));
      const known = await findSuccessor(keys, tag, arn);
      if (known !== undefined) return await keys.factsOf(known, null);
      const policy = await keys.calls.make(
        { right: 'kms:GetKeyPolicy', key: arn, isRepeatable: true },
        async (options) => await keys.wire.client.send(new GetKeyPolicyCommand({ KeyId: arn, PolicyName: 'default' }), options),
      );
      if (policy.Policy === undefined) throw badAnswer('it gave no policy');
      // An answer that was lost is not asked for again: the next call finds the key by its tag.
      const made = await keys.calls.make(
        { right: 'kms:CreateKey', key: arn, isRepeatable: false },
        async (options) =>
          await keys.wire.client.send(
            new CreateKeyCommand({
              Policy: policy.Policy,
              Description: description,
              MultiRegion: isMultiRegion,
              Tags: [...tags, { TagKey: successorTag, TagValue: tag }],
            }),
            options,
          ),
      );
      return await keys.factsOf(await keys.find(arnOf(made.KeyMetadata?.Arn)), null);
    },
  );
}

async function moveAlias(keys: KmsKeys, alias: string, keyArn: string): Promise<AwsKmsFacts> {
  if (readAwsKeyName(alias)?.form !== 'alias')
    throw new KeyServiceFailure('keyMissing', 'what is to be moved is no alias', 'Give the alias as alias/NAME.');
  const found = await keys.find(arnOf(keyArn));
  return await orCommand(
    () => awsMoveAliasCommand(keys.place(found.arn), alias),
    async () => {
      await keys.calls.make(
        { right: 'kms:UpdateAlias', key: alias, isRepeatable: true },
        async (options) =>
          await keys.wire.client.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: idOfArn(found.arn) }), options),
      );
      return await keys.factsOf(found, alias);
    },
  );
}

async function scheduleDeletion(keys: KmsKeys, name: AwsKeyName, days: number): Promise<AwsKmsFacts> {
  // An alias may name the new key by now.
  if (name.form !== 'keyArn') throw new KeyServiceFailure('failed', 'a key is deleted by its ARN alone', 'Give the ARN of the key.');
  const found = await keys.find(name);
  const { arn } = found;
  if (isPending(found)) return await keys.factsOf(found, null);
  return await orCommand(
    () => awsScheduleDeletionCommand(keys.place(arn), days),
    async () => {
      await keys.calls.make(
        { right: 'kms:ScheduleKeyDeletion', key: arn, isRepeatable: true },
        async (options) =>
          await keys.wire.client.send(new ScheduleKeyDeletionCommand({ KeyId: idOfArn(arn), PendingWindowInDays: days }), options),
      );
      return await keys.factsOf(await keys.find(name), null);
    },
    async (failure) => {
      const again = await keys.find(name);
      if (isPending(again)) return await keys.factsOf(again, null);
      throw failure;
    },
  );
}

function isPending({ metadata }: FoundKey): boolean {
  return metadata.KeyState === 'PendingDeletion' || metadata.KeyState === 'PendingReplicaDeletion';
}

/** A key that a call before this one made, and that can be used. */
async function findSuccessor(keys: KmsKeys, tag: string, oldArn: string): Promise<FoundKey | undefined> {
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
      for (const arn of carrying) {
        if (arn === undefined) continue;
        const found = await keys.find(arnOf(arn));
        if (stateProblem(found.metadata, keys.place(found.arn)) === undefined) return found;
      }
    }
    marker = page.Truncated === true ? page.NextMarker : undefined;
  } while (marker !== undefined);
  return undefined;
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

async function tagsOf(keys: KmsKeys, arn: string): Promise<readonly AwsTag[]> {
  const answer = await keys.calls.make(
    { right: 'kms:ListResourceTags', key: arn, isRepeatable: true },
    async (options) => await keys.wire.client.send(new ListResourceTagsCommand({ KeyId: arn, Limit: tagsAtOnce }), options),
  );
  return (answer.Tags ?? []).flatMap(({ TagKey, TagValue }: Tag) =>
    TagKey === undefined || TagValue === undefined ? [] : [{ TagKey, TagValue }],
  );
}

function arnOf(text: string | undefined): Extract<ReturnType<typeof readAwsKeyName>, { readonly form: 'keyArn' }> {
  const name = readAwsKeyName(text ?? '');
  if (name?.form !== 'keyArn') throw badAnswer('what names the new key is no ARN');
  return name;
}

/** Both calls are for keys of one's own account, and not all servers take ARNs there. */
function idOfArn(arn: string): string {
  return arn.slice(arn.indexOf('/') + 1);
}

async function orCommand<Output>(
  command: () => string,
  run: () => Promise<Output>,
  otherwise?: (failure: KeyServiceFailure) => Promise<Output>,
): Promise<Output> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof KeyServiceFailure)) throw error;
    const { kind, reason } = error.problem;
    if (kind === 'accessDenied') {
      throw new KeyServiceFailure(kind, reason, 'Hand the command to whoever may do it, or allow it, then go on.', {
        command: command(),
        cause: error,
      });
    }
    if (otherwise === undefined || isPassing(kind)) throw error;
    return await otherwise(error);
  }
}
