import * as z from 'zod';
import { readAwsKeyName } from './awsKeyName.ts';
import { type KeyTarget, keyTargetSchema } from './keyServices.ts';
import { shellWord } from './wording.ts';

/** A key outside that keyrings of a location name: an unproved word of whoever wrote them. Nothing was sent to it. */
export interface NamedKey {
  /** A KMS key by its ARN. */
  readonly target: KeyTarget;
  /** When the oldest keyring that names it was stored, as the store says; null where it does not. */
  readonly since: string | null;
  readonly keyrings: number;
}

/** `details` of the `confirmationNeeded` that a search for the master key ends with where a key outside has to be confirmed. */
export interface NamedKeys {
  /** The oldest first. */
  readonly references: readonly NamedKey[];
  /** How many more there are. */
  readonly left: number;
}

export const namedKeysMost = 20;

export const namedKeysSchema: z.ZodType<NamedKeys> = z.object({
  references: z
    .array(z.object({ target: keyTargetSchema, since: z.string().nullable(), keyrings: z.int().min(1) }))
    .min(1)
    .max(namedKeysMost),
  left: z.int().min(0),
});

/** The flags that confirm a key, for a POSIX shell. */
export function flagsToConfirm(target: KeyTarget): string {
  const words =
    target.kind === 'awsKms'
      ? ['--key-arn', target.keyId, '--region', target.region]
      : [
          '--address',
          target.address,
          '--key',
          target.key,
          ...(target.mount === usualMount ? [] : ['--mount', target.mount]),
          ...(target.namespace === null ? [] : ['--namespace', target.namespace]),
        ];
  return words.map((word) => shellWord(word)).join(' ');
}

/** Where Vault has its transit engine unless somebody chose otherwise. */
export const usualMount = 'transit';

/** Ends a sentence; `undefined` for the ARN of one key, which stands for nothing else. An alias can be moved by somebody else. */
export function keyArnProblem(keyId: string): string | undefined {
  return readAwsKeyName(keyId)?.form === 'keyArn'
    ? undefined
    : 'the key must be named by its ARN, such as arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
}
