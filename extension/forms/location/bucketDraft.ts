import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import type { S3Credentials, S3KeysSecret, S3Spec } from '../../../protocol/methods/locations.ts';
import { s3SpecSchema } from '../../../protocol/s3Spec.ts';

/** A bucket as a form has it: what was typed, whether it is needed by now or not, so that no way back loses any of it. */
export interface BucketDraft {
  readonly isAws: boolean;
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly prefix: string;
  readonly source: S3Credentials['source'];
  readonly profile: string;
  readonly roleArn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys; empty for others. */
  readonly sessionToken: string;
}

/** A bucket that there is, as a form begins with it; what it was given as a secret the daemon gives to nobody. */
export function draftOf({ endpoint, bucket, region, prefix, credentials }: Omit<S3Spec, 'kind'>): BucketDraft {
  return {
    ...emptyBucket,
    isAws: endpoint === undefined,
    endpoint: endpoint ?? '',
    bucket,
    region,
    prefix: prefix ?? '',
    source: credentials.source,
    profile: credentials.source === 'profile' ? credentials.profile : '',
    roleArn: credentials.source === 'role' ? credentials.roleArn : '',
  };
}

export const emptyBucket: BucketDraft = {
  isAws: true,
  endpoint: '',
  bucket: '',
  region: '',
  prefix: '',
  source: 'sealed',
  profile: '',
  roleArn: '',
  accessKeyId: '',
  secretAccessKey: '',
  sessionToken: '',
};

/** What of it is wanted of the daemon; without any secret. */
export function specOf(draft: BucketDraft): S3Spec {
  const { isAws, endpoint, bucket, region, prefix } = draft;
  return {
    kind: 's3',
    bucket,
    region,
    ...(isAws ? {} : { endpoint }),
    ...(prefix === '' ? {} : { prefix }),
    credentials: credentialsOf(draft),
  };
}

function credentialsOf({ source, profile, roleArn }: BucketDraft): S3Credentials {
  switch (source) {
    case 'chain':
    case 'sealed':
      return { source };
    case 'profile':
      return { source, profile };
    case 'role':
      return { source, roleArn };
  }
}

/** The keys that go with it as a secret; `undefined` where the daemon finds credentials by itself. */
export function keysOf({ source, accessKeyId, secretAccessKey, sessionToken }: BucketDraft): S3KeysSecret | undefined {
  if (source !== 'sealed') return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }) };
}

export type BucketField = 'endpoint' | 'bucket' | 'region' | 'prefix' | 'profile' | 'roleArn';

/** Why the daemon would not take the text of a field, as a sentence; `undefined` where it would. */
export function fieldProblem(field: BucketField, text: string): string | undefined {
  const good = { kind: 's3', bucket: 'bucket', region: 'region', credentials: { source: 'chain' } };
  const parsed = s3SpecSchema.safeParse(
    field === 'profile' || field === 'roleArn'
      ? { ...good, credentials: field === 'profile' ? { source: 'profile', profile: text } : { source: 'role', roleArn: text } }
      : { ...good, [field]: text },
  );
  if (parsed.success) return undefined;
  const message = parsed.error.issues[0]?.message ?? '';
  return `${message.charAt(0).toUpperCase()}${escaped(message.slice(1))}.`;
}

const keyPattern = /^[\x21-\x7e]+$/;

/** Why a text can be no key; never says any of it. */
export function keyProblem(text: string, longest: number): string | undefined {
  if (!keyPattern.test(text)) return l10n.t('It has a space, a line end or another character that no key has.');
  return text.length > longest ? l10n.t('It is longer than any key.') : undefined;
}
