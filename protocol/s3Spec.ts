import * as z from 'zod';
import { awsProfile, awsRegion, awsRoleArn } from './awsSettings.ts';
import { checked } from './checkedText.ts';
import { endpointProblem, normalEndpoint } from './endpointAddress.ts';
import type { S3Credentials, S3Spec } from './methods/locations.ts';

const longestPrefix = 200;
const bucketPattern = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/;
const addressPattern = /^\d+\.\d+\.\d+\.\d+$/;
/** Names that AWS keeps for aliases and other kinds of buckets, under which there are no versions or locks: Amazon S3 user guide, General purpose bucket naming rules. */
const reservedBuckets = /^(?:xn--|sthree-|amzn-s3-demo-)|(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/;
const prefixPattern = /^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/;

function bucketProblem(bucket: string): string | undefined {
  if (!bucketPattern.test(bucket) || bucket.includes('..') || addressPattern.test(bucket)) {
    return 'a bucket has 3 to 63 lower-case letters, digits, dots and hyphens';
  }
  return reservedBuckets.test(bucket) ? 'the bucket has a name that is kept for something else than buckets with versions' : undefined;
}

const credentials: z.ZodType<S3Credentials> = z.discriminatedUnion(
  'source',
  [
    z.strictObject({ source: z.literal('chain') }),
    z.strictObject({ source: z.literal('profile'), profile: awsProfile }),
    z.strictObject({ source: z.literal('role'), roleArn: awsRoleArn }),
    z.strictObject({ source: z.literal('sealed') }),
  ],
  'the source of the credentials must be "chain", "profile", "role" or "sealed"',
);

/** The whole rule for an `s3` location (cli.md, `location add s3`); it gives the profile in its normal form. Its messages end a sentence. */
export const s3SpecSchema: z.ZodType<S3Spec> = z
  .strictObject({
    kind: z.literal('s3'),
    bucket: checked('the bucket', bucketProblem),
    region: awsRegion,
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
