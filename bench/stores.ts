import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { ListObjectVersionsCommand, type ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import { FaultProxy } from '../test/support/servers/faultProxy.ts';
import { type MadeBucket, s3Client } from '../test/support/servers/s3Server.ts';
import { SeaweedServer } from '../test/support/servers/seaweedServer.ts';
import { findServerPrograms } from '../test/support/servers/serverPrograms.ts';
import { bytesBelow } from './measure.ts';

/** Where one round's backups go; empty at its start. */
export type StorePlace = { readonly kind: 'folder'; readonly path: string } | BucketPlace;

export interface BucketPlace extends MadeBucket {
  readonly kind: 'bucket';
}

export interface StoreOfRound {
  readonly place: StorePlace;
  /** What the store holds, bytes. */
  bytes(): Promise<number>;
  remove(): Promise<void>;
}

export interface Stores extends AsyncDisposable {
  /** What to say of it above the tables. */
  readonly about: string | undefined;
  /** @param folder of the round, which is removed with all in it. */
  make(folder: string, options: { readonly hasLocks: boolean }): Promise<StoreOfRound>;
}

export function folderStores(): Stores {
  return {
    about: undefined,
    make: async (folder) => {
      const store = path.join(folder, 'store');
      mkdirSync(store);
      return await Promise.resolve({
        place: { kind: 'folder', path: store },
        bytes: async () => await Promise.resolve(bytesBelow(store)),
        remove: async () => await Promise.resolve(),
      });
    },
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}

/** So much lies in one file of the server, so that none has to be added while somebody is measured. */
const volumeMegabytes = 8192;

/**
 * One SeaweedFS on loopback with all it has below `parent`, and a new bucket for each round. With a latency, a proxy lies between that makes each round trip
 * longer by so many milliseconds.
 */
export async function bucketStores(parent: string, latency: number): Promise<Stores> {
  const programs = findServerPrograms();
  if (programs === undefined)
    throw new Error('SeaweedFS is not there: run "npm test -- integration" once, or name its folder in HOLDFAST_TEST_SERVERS');
  await using started = new AsyncDisposableStack();
  const server = started.use(await SeaweedServer.start(programs, { parent, volumeMegabytes }));
  const oneWay = { latency: latency / 2 };
  const proxy = latency === 0 ? undefined : started.use(await FaultProxy.start(server.address, { up: oneWay, down: oneWay }));
  const running = started.move();
  const between = latency === 0 ? '' : `, each round trip ${latency} ms longer than that`;
  return {
    about: `Store: one SeaweedFS on loopback, a new bucket for each round${between}.`,
    make: async (_, { hasLocks }) => {
      const bucket = await server.createBucket({ objectLock: hasLocks });
      return {
        place: { kind: 'bucket', ...bucket, endpoint: proxy?.endpoint ?? bucket.endpoint },
        bytes: async () => await bytesIn(bucket),
        remove: async () => await server.discardBucket(bucket.name),
      };
    },
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  };
}

async function bytesIn({ name, endpoint }: MadeBucket): Promise<number> {
  const client = s3Client(endpoint);
  try {
    let sum = 0;
    let from: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | undefined = {};
    while (from !== undefined) {
      const page: ListObjectVersionsCommandOutput = await client.send(new ListObjectVersionsCommand({ Bucket: name, ...from }));
      for (const { Size: size = 0 } of page.Versions ?? []) sum += size;
      const { IsTruncated, NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
      from =
        IsTruncated === true && KeyMarker !== undefined
          ? { KeyMarker, ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }) }
          : undefined;
    }
    return sum;
  } finally {
    client.destroy();
  }
}
