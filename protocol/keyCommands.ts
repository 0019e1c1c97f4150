import type { VaultTransitTarget } from './keyServices.ts';
import { shellWord } from './wording.ts';

/** Which key of AWS KMS, and where it is asked for. */
export interface AwsKeyPlace {
  readonly keyArn: string;
  readonly region: string;
  /** In place of AWS's own address. */
  readonly endpoint: string | null;
}

export interface AwsSuccessor extends AwsKeyPlace {
  /** Value of its tag `holdfast-successor-of`. */
  readonly tag: string;
  readonly description: string;
  readonly isMultiRegion: boolean;
  /** Tags of the old key. */
  readonly tags: readonly AwsTag[];
  /** Moved to the new key at once. */
  readonly alias: string | null;
}

export interface AwsTag {
  readonly TagKey: string;
  readonly TagValue: string;
}

/** By it a key that was made to follow another is found again. */
export const successorTag = 'holdfast-successor-of';

function awsKms({ region, endpoint }: Pick<AwsKeyPlace, 'region' | 'endpoint'>, verb: string, ...words: readonly string[]): string {
  const place = endpoint === null ? ['--region', region] : ['--region', region, '--endpoint-url', endpoint];
  return ['aws', 'kms', verb, ...[...words, ...place].map(shellWord)].join(' ');
}

export function awsScheduleDeletionCommand(place: AwsKeyPlace, days: number): string {
  return awsKms(place, 'schedule-key-deletion', '--key-id', place.keyArn, '--pending-window-in-days', String(days));
}

export function awsCancelDeletionCommand(place: AwsKeyPlace): string {
  return `${awsKms(place, 'cancel-key-deletion', '--key-id', place.keyArn)} && ${awsEnableCommand(place)}`;
}

export function awsEnableCommand(place: AwsKeyPlace): string {
  return awsKms(place, 'enable-key', '--key-id', place.keyArn);
}

export function awsMoveAliasCommand(place: AwsKeyPlace, alias: string): string {
  return awsKms(place, 'update-alias', '--alias-name', alias, '--target-key-id', place.keyArn);
}

/** A key as the old one, with its policy as it is when the command runs; where there is an alias, it is moved then. For a POSIX shell. */
export function awsCreateSuccessorCommand(successor: AwsSuccessor): string {
  const { keyArn, tag, tags, description, isMultiRegion, alias } = successor;
  const policy = awsKms(
    successor,
    'get-key-policy',
    '--key-id',
    keyArn,
    '--policy-name',
    'default',
    '--query',
    'Policy',
    '--output',
    'text',
  );
  const create = `${awsKms(
    successor,
    'create-key',
    ...(description === '' ? [] : ['--description', description]),
    ...(isMultiRegion ? ['--multi-region'] : []),
    '--tags',
    JSON.stringify([...tags, { TagKey: successorTag, TagValue: tag }]),
  )} --policy "$(${policy})" --query KeyMetadata.Arn --output text`;
  if (alias === null) return create;
  return `new=$(${create}) && ${awsKms(successor, 'update-alias', '--alias-name', alias)} --target-key-id "$new" && echo "$new"`;
}

/** Where a key of Vault is. */
export type VaultKeyPlace = Omit<VaultTransitTarget, 'kind'>;

/** For the command line of Vault; OpenBao's `bao` takes the same words. Its flags come before the path. */
function vaultWrite({ address, namespace }: VaultKeyPlace, ...words: readonly string[]): string {
  const place = [`-address=${address}`, ...(namespace === null ? [] : [`-namespace=${namespace}`])];
  return ['vault', 'write', ...[...place, ...words].map((word) => shellWord(word))].join(' ');
}

export function vaultRotateCommand(place: VaultKeyPlace): string {
  return vaultWrite(place, '-f', `${place.mount}/keys/${place.key}/rotate`);
}

/** From then on Vault decrypts nothing that an earlier version wrapped. */
export function vaultMinimumCommand(place: VaultKeyPlace, version: number): string {
  return vaultWrite(place, `${place.mount}/keys/${place.key}/config`, `min_decryption_version=${version}`);
}
