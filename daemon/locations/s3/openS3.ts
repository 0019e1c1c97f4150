import type { OpenS3StoreOptions, S3Connection, S3ConnectionOptions, S3Store } from './s3Options.ts';

export type {
  InitialiseOptions,
  OpenOptions,
  OpenS3StoreOptions,
  S3Connection,
  S3ConnectionOptions,
  S3Features,
  S3Keys,
  S3KeySource,
  S3Limits,
  S3Store,
  S3Surroundings,
} from './s3Options.ts';

/** Makes no request yet. The client is loaded now, and not before: a daemon without such a location is not to pay for it. */
export async function connectS3(options: S3ConnectionOptions): Promise<S3Connection> {
  const { BucketConnection } = await import('./s3Connection.ts');
  return new BucketConnection(options);
}

/** `connectS3` and `open` in one. Rejects as `S3Connection.open` does. */
export async function openS3Store(options: OpenS3StoreOptions): Promise<S3Store> {
  const connection = await connectS3(options);
  try {
    const store = await connection.open(options);
    return Object.assign(store, { [Symbol.dispose]: () => connection[Symbol.dispose]() });
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
}
