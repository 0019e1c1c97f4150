import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

export interface S3Identity {
  readonly name: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** In SeaweedFS' words: `Admin`, `Read`, `Write`, `List`, `Tagging`, each also for one bucket: `Read:bucket`. */
  readonly actions: readonly string[];
}

export interface MadeBucket {
  readonly name: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export const owner: S3Identity = {
  name: 'owner',
  accessKeyId: 'HOLDFASTTESTOWNER',
  secretAccessKey: 'holdfast-test-owner-secret',
  actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
};

/** A client of the tests' own: for what the product's never does. */
export function s3Client(endpoint: string, identity: S3Identity = owner, region = 'us-east-1'): S3Client {
  const { accessKeyId, secretAccessKey } = identity;
  return new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
}

/** Makes a bucket, with Object Lock unless said otherwise, and tells how to reach it. */
export async function makeBucket(
  endpoint: string,
  name: string,
  options: { readonly objectLock?: boolean; readonly region?: string } = {},
): Promise<MadeBucket> {
  const region = options.region ?? 'us-east-1';
  const client = s3Client(endpoint, owner, region);
  try {
    await client.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: options.objectLock ?? true }));
  } finally {
    client.destroy();
  }
  return { name, endpoint, region, accessKeyId: owner.accessKeyId, secretAccessKey: owner.secretAccessKey };
}
