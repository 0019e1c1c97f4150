import * as z from 'zod';
import { endpointProblem, normalEndpoint } from './endpointAddress.ts';
import type { S3Credentials, S3Spec } from './methods/locations.ts';

const longestPrefix = 200;
const bucketPattern = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/;
const addressPattern = /^\d+\.\d+\.\d+\.\d+$/;
/** Names that AWS keeps for aliases and other kinds of buckets, under which there are no versions or locks: Amazon S3 user guide, General purpose bucket naming rules. */
const reservedBuckets = /^(?:xn--|sthree-|amzn-s3-demo-)|(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/;
const regionPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const prefixPattern = /^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/;
/** What stands between the brackets of a section of the AWS configuration file. */
const profilePattern = /^[A-Za-z0-9_.@/+:=,-]{1,128}$/;
const rolePattern = /^arn:aws(?:-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;

function bucketProblem(bucket: string): string | undefined {
  if (!bucketPattern.test(bucket) || bucket.includes('..') || addressPattern.test(bucket)) {
    return 'a bucket has 3 to 63 lower-case letters, digits, dots and hyphens';
  }
  return reservedBuckets.test(bucket) ? 'the bucket has a name that is kept for something else than buckets with versions' : undefined;
}

/** A text for which `problem` has nothing to say. */
function checked(what: string, problem: (text: string) => string | undefined): z.ZodType<string> {
  return z.string(`${what} must be a text`).superRefine((text, context) => {
    const message = problem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

const matching = (what: string, pattern: RegExp, message: string): z.ZodType<string> =>
  checked(what, (text) => (pattern.test(text) ? undefined : message));

const credentials: z.ZodType<S3Credentials> = z.discriminatedUnion(
  'source',
  [
    z.strictObject({ source: z.literal('chain') }),
    z.strictObject({
      source: z.literal('profile'),
      profile: matching('the profile', profilePattern, 'the profile has no name of a profile'),
    }),
    z.strictObject({
      source: z.literal('role'),
      roleArn: matching('the role', rolePattern, 'the role must be an ARN such as arn:aws:iam::123456789012:role/name'),
    }),
    z.strictObject({ source: z.literal('sealed') }),
  ],
  'the source of the credentials must be "chain", "profile", "role" or "sealed"',
);

/** The whole rule for an `s3` location (cli.md, `location add s3`); it gives the profile in its normal form. Its messages end a sentence. */
export const s3SpecSchema: z.ZodType<S3Spec> = z
  .strictObject({
    kind: z.literal('s3'),
    bucket: checked('the bucket', bucketProblem),
    region: matching('the region', regionPattern, 'the region must be a name such as eu-west-1'),
    endpoint: checked('the endpoint', endpointProblem).exactOptional(),
    prefix: checked('the prefix', (prefix) => {
      if (prefix.length > longestPrefix) return `the prefix is longer than ${longestPrefix} characters`;
      return prefixPattern.test(trimmed(prefix)) ? undefined : 'a prefix has a-z, 0-9, hyphens and single slashes between them only';
    }).exactOptional(),
    pathStyle: z.boolean('pathStyle must be true or false').exactOptional(),
    credentials,
  })
  .transform(({ kind, bucket, region, endpoint, prefix, pathStyle, credentials: source }) => ({
    kind,
    bucket,
    region,
    ...(endpoint === undefined ? {} : { endpoint: normalEndpoint(endpoint) }),
    ...(prefix === undefined ? {} : { prefix: trimmed(prefix) }),
    ...(pathStyle === undefined ? {} : { pathStyle }),
    credentials: source,
  }));

/** Members of an `s3` profile, for whoever names the one that is unknown. */
export const s3Members: ReadonlySet<string> = new Set(['kind', 'bucket', 'region', 'endpoint', 'prefix', 'pathStyle', 'credentials']);

function trimmed(prefix: string): string {
  return prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
}
