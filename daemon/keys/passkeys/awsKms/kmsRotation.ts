import { CreateKeyCommand, ScheduleKeyDeletionCommand, UpdateAliasCommand } from '@aws-sdk/client-kms';
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
import type { FoundKey, KmsKeys } from './kmsKeys.ts';
import { keyArnName, policyOf, taggedKeys, tagsOf, trustedSuccessor } from './kmsSuccessor.ts';

/** Does a step of a rotation. What may not be done comes back as `accessDenied` with the command for somebody who may. */
export async function actAtKms(keys: KmsKeys, name: AwsKeyName, act: KeyAct): Promise<AwsKmsFacts> {
  switch (act.act) {
    case 'createSuccessor':
      return await createSuccessor(keys, name, act);
    case 'checkSuccessor':
      return await keys.factsOf(await trustedSuccessor(keys, await keys.find(name), act.keyArn), null);
    case 'moveAlias':
      return await moveAlias(keys, name, act.alias, act.keyArn);
    case 'scheduleDeletion':
      return await scheduleDeletion(keys, name, act.days);
    case 'rotateKey':
    case 'raiseMinimum':
    case 'renewToken':
      throw new KeyServiceFailure('failed', 'AWS KMS has no such step', 'Rotate the passkey.');
  }
}

async function createSuccessor(
  keys: KmsKeys,
  name: AwsKeyName,
  { tag, alias }: { readonly tag: string; readonly alias: string | null },
): Promise<AwsKmsFacts> {
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
  const command = (): string => awsCreateSuccessorCommand({ ...keys.place(arn), tag, tags, description, isMultiRegion, alias });
  const tagged = await orCommand(command, async () => {
    tags = (await tagsOf(keys, arn)).filter(({ TagKey }) => TagKey !== successorTag && !TagKey.startsWith('aws:'));
    return await taggedKeys(keys, tag, arn);
  });
  const known = await firstTrusted(keys, old, tagged);
  if (known !== undefined) return await keys.factsOf(known, null);
  return await orCommand(command, async () => {
    const policy = await policyOf(keys, arn);
    // An answer that was lost is not asked for again: the next call finds the key by its tag.
    const made = await keys.calls.make(
      { right: 'kms:CreateKey', key: arn, isRepeatable: false },
      async (options) =>
        await keys.wire.client.send(
          new CreateKeyCommand({
            Policy: policy,
            Description: description,
            MultiRegion: isMultiRegion,
            Tags: [...tags, { TagKey: successorTag, TagValue: tag }],
          }),
          options,
        ),
    );
    return await keys.factsOf(await keys.find(keyArnName(made.KeyMetadata?.Arn)), null);
  });
}

/** Of those that can not be judged none is taken, and none is made beside them: the user looks at it. */
async function firstTrusted(keys: KmsKeys, old: FoundKey, tagged: readonly string[]): Promise<FoundKey | undefined> {
  let unseen: KeyServiceFailure | undefined;
  for (const arn of tagged) {
    try {
      return await trustedSuccessor(keys, old, arn);
    } catch (error) {
      if (!(error instanceof KeyServiceFailure) || isPassing(error.problem.kind)) throw error;
      if (error.problem.kind !== 'accessDenied') continue;
      const reason = `${arn} may be the key that was made to follow ${old.arn}, but ${error.problem.reason}`;
      unseen ??= new KeyServiceFailure('accessDenied', reason, 'Allow that, or look at the key yourself and name it with --key-arn.', {
        cause: error,
      });
    }
  }
  if (unseen !== undefined) throw unseen;
  return undefined;
}

async function moveAlias(keys: KmsKeys, name: AwsKeyName, alias: string, keyArn: string): Promise<AwsKmsFacts> {
  if (readAwsKeyName(alias)?.form !== 'alias')
    throw new KeyServiceFailure('keyMissing', 'what is to be moved is no alias', 'Give the alias as alias/NAME.');
  const found = await keys.find(keyArnName(keyArn));
  const now = await keys.arnNow(alias, found.arn);
  if (now === undefined) throw new KeyServiceFailure('keyMissing', `there is no ${alias} any more`, 'Name the key by its ARN.');
  if (now === found.arn) return await keys.factsOf(found, alias);
  if (name.form !== 'keyArn' || now !== name.arn) {
    throw new KeyServiceFailure('notOurs', `${alias} names another key by now, ${now}`, 'Leave it to whoever has it.');
  }
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
