import { idOf, type StoreId } from '../../../protocol/ids.ts';
import type { LocationCheck, S3Spec } from '../../../protocol/methods/locations.ts';
import type { LockUntil } from '../objectStore.ts';
import type { S3Connection } from '../s3/openS3.ts';
import { validatedText } from '../validatedFacts.ts';
import { preflightBucket } from './bucketPreflight.ts';

/** The small objects of a preflight have no header, so that no store's id goes anywhere. */
const unknownStore: StoreId = idOf<StoreId>('00000000-0000-0000-0000-000000000000');

export interface S3PreflightOptions {
  readonly connection: S3Connection;
  readonly spec: S3Spec;
  readonly storeId: StoreId | undefined;
  readonly isImmutable: boolean;
  readonly lockMode?: LockUntil['mode'];
  readonly wallClock: () => Date;
  readonly signal: AbortSignal;
}

export interface CheckedBucket {
  readonly checks: readonly LocationCheck[];
  readonly canBeImmutable: boolean;
  /** For the location's row: the text of `ValidatedFacts`. */
  readonly validated: string | null;
}

/** `preflightBucket` over the wire. */
export async function preflightS3(options: S3PreflightOptions): Promise<CheckedBucket> {
  const { connection, spec, storeId, isImmutable, lockMode, wallClock, signal } = options;
  const { checks, canBeImmutable, validated } = await preflightBucket({
    bucket: {
      facts: connection.facts,
      open: (features) => connection.unmarked({ storeId: storeId ?? unknownStore, features, signal }),
      readMarker: (asking) => connection.readMarker(asking),
    },
    region: spec.region,
    prefix: spec.prefix ?? '',
    storeId,
    isImmutable,
    ...(lockMode === undefined ? {} : { lockMode }),
    now: wallClock,
    signal,
  });
  return { checks, canBeImmutable, validated: validated === null ? null : validatedText(validated) };
}
