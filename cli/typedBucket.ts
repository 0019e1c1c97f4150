import { HoldfastError } from '../protocol/errors.ts';
import { parseLocationSpec } from '../protocol/locationSpec.ts';
import type { S3Credentials, S3Spec } from '../protocol/methods/locations.ts';
import { escaped } from '../client/shown/text.ts';
import type { Call } from './call.ts';

/** Flags that say where a bucket is. */
export const bucketFlags = ['--bucket', '--region', '--endpoint', '--prefix', '--path-style'] as const;

/**
 * A bucket as its flags describe it; what was not given is as it is at `present`, and of that an empty text takes endpoint or prefix away. Errors: `badValue`.
 */
export function typedBucket(call: Call, credentials: S3Credentials, present?: Omit<S3Spec, 'kind'>): S3Spec {
  const either = (flag: '--endpoint' | '--prefix', before: string | undefined): string | undefined => {
    const typed = call.text(flag);
    return typed === '' && present !== undefined ? undefined : (typed ?? before);
  };
  const members = {
    kind: 's3',
    bucket: call.text('--bucket') ?? present?.bucket,
    region: call.text('--region') ?? present?.region,
    endpoint: either('--endpoint', present?.endpoint),
    prefix: either('--prefix', present?.prefix),
    pathStyle: call.toggle('--path-style') ?? present?.pathStyle,
    credentials,
  };
  const given = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
  const spec = checked(given, call);
  if (spec.kind !== 's3') throw new RangeError('a bucket became something else');
  return spec;
}

function checked(given: unknown, call: Call): ReturnType<typeof parseLocationSpec> {
  try {
    return parseLocationSpec(given);
  } catch (error) {
    if (!HoldfastError.is(error)) throw error;
    throw HoldfastError.failedTo(error.code, 'read the location', escaped(error.reason), { fix: call.helpHint, cause: error });
  }
}
