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

/** An option of a command, with its value where it has one. */
type AwsOption = readonly [name: string, value?: string];

/** The command line of AWS takes such a value for the name of what holds the value, or for an option (AWS CLI user guide, Load a parameter from a file). */
function isReadElsewhere(value: string): boolean {
  return /^(?:(?:file|fileb|https?):|-)/i.test(value);
}

/** Throws `RangeError` for a value that would be read as something else: no ARN, alias or region has such a form. */
function awsKms({ region, endpoint }: Pick<AwsKeyPlace, 'region' | 'endpoint'>, verb: string, options: readonly AwsOption[]): string {
  const words = [...options, ['--region', region] satisfies AwsOption].flatMap(([name, value]) => {
    if (value === undefined) return [name];
    if (isReadElsewhere(value)) throw new RangeError(`a value of ${name} that the command line of AWS would load`);
    return [name, shellWord(value)];
  });
  // An address is read as nothing else here.
  const place = endpoint === null ? [] : ['--endpoint-url', shellWord(endpoint)];
  return ['aws', 'kms', verb, ...words, ...place].join(' ');
}

export function awsScheduleDeletionCommand(place: AwsKeyPlace, days: number): string {
  return awsKms(place, 'schedule-key-deletion', [
    ['--key-id', place.keyArn],
    ['--pending-window-in-days', String(days)],
  ]);
}

export function awsCancelDeletionCommand(place: AwsKeyPlace): string {
  return `${awsKms(place, 'cancel-key-deletion', [['--key-id', place.keyArn]])} && ${awsEnableCommand(place)}`;
}

export function awsEnableCommand(place: AwsKeyPlace): string {
  return awsKms(place, 'enable-key', [['--key-id', place.keyArn]]);
}

export function awsMoveAliasCommand(place: AwsKeyPlace, alias: string): string {
  return awsKms(place, 'update-alias', [
    ['--alias-name', alias],
    ['--target-key-id', place.keyArn],
  ]);
}

/**
 * A key as the old one, with its policy as it is when the command runs; where there is an alias, it is moved then. For a POSIX shell. A description that the
 * command line of AWS would take for the name of a file is left out.
 */
export function awsCreateSuccessorCommand(successor: AwsSuccessor): string {
  const { keyArn, tag, tags, description, isMultiRegion, alias } = successor;
  const policy = awsKms(successor, 'get-key-policy', [
    ['--key-id', keyArn],
    ['--policy-name', 'default'],
    ['--query', 'Policy'],
    ['--output', 'text'],
  ]);
  const options: AwsOption[] = [];
  if (description !== '' && !isReadElsewhere(description)) options.push(['--description', description]);
  if (isMultiRegion) options.push(['--multi-region']);
  options.push(['--tags', JSON.stringify([...tags, { TagKey: successorTag, TagValue: tag }])]);
  const create = `${awsKms(successor, 'create-key', options)} --policy "$(${policy})" --query KeyMetadata.Arn --output text`;
  if (alias === null) return create;
  return `new=$(${create}) && ${awsKms(successor, 'update-alias', [['--alias-name', alias]])} --target-key-id "$new" && echo "$new"`;
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
