/** In what a store may differ from S3. All of it as S3 does it where nothing is said. */
export interface BucketBehaviour {
  /** `false`: takes locks, shows them, and lets locked versions be deleted. */
  readonly enforcesLocks: boolean;
  /** `false`: answers 200 to a put or an extension with a lock and keeps none. */
  readonly keepsLocks: boolean;
  /** `true`: a lock can be shortened or weakened by whoever may set one. */
  readonly acceptsShortening: boolean;
  /** `true`: a lock with an end that is past is taken. */
  readonly acceptsPastLocks: boolean;
  /** `false`: a put with `If-None-Match: *` makes a newer version over what is there. */
  readonly honoursIfNoneMatch: boolean;
  /** `false`: says that versioning is on, and a put takes the place of what was there. */
  readonly keepsVersions: boolean;
  /** `false`: answers to puts name no version. */
  readonly givesVersionIds: boolean;
  /** Seconds for which listings do not show what was put. */
  readonly listsLateBy: number;
  /** Seconds by which the store's clock is wrong: its `Date`, what it writes down, and when its locks end. */
  readonly clockOff: number;
  /** `true`: versioning can be suspended although the bucket has Object Lock. */
  readonly letsVersioningBeSuspended: boolean;
  /** `true`: a version gets the date of now when its lock is set. */
  readonly extendingMovesDate: boolean;
  /** `true`: a delete marker can be locked. */
  readonly locksDeleteMarkers: boolean;
  /** `false`: takes the name of an encryption that it does not do. */
  readonly encrypts: boolean;
  /** `false`: does not know what Object Lock is set to, nor lifecycle rules: 501. */
  readonly answersSettings: boolean;
}

export const honest: BucketBehaviour = {
  enforcesLocks: true,
  keepsLocks: true,
  acceptsShortening: false,
  acceptsPastLocks: false,
  honoursIfNoneMatch: true,
  keepsVersions: true,
  givesVersionIds: true,
  listsLateBy: 0,
  clockOff: 0,
  letsVersioningBeSuspended: false,
  extendingMovesDate: false,
  locksDeleteMarkers: false,
  encrypts: true,
  answersSettings: true,
};

export type LiarName =
  | 'doesNotEnforce'
  | 'ignoresLocks'
  | 'ignoresConditions'
  | 'overwrites'
  | 'namesNoVersions'
  | 'listsStale'
  | 'acceptsShortening'
  | 'clockAhead'
  | 'clockBehind'
  | 'suspends'
  | 'likeMoto';

/** Stores that say one thing and do another: S7 of the threats. */
export const liars: Readonly<Record<LiarName, Partial<BucketBehaviour>>> = {
  doesNotEnforce: { enforcesLocks: false },
  ignoresLocks: { keepsLocks: false },
  ignoresConditions: { honoursIfNoneMatch: false },
  overwrites: { keepsVersions: false },
  namesNoVersions: { givesVersionIds: false },
  listsStale: { listsLateBy: 30 },
  acceptsShortening: { acceptsShortening: true },
  clockAhead: { clockOff: 3600 },
  clockBehind: { clockOff: -3600 },
  suspends: { letsVersioningBeSuspended: true },
  /** As moto's server was seen to: locks can be shortened, dates may be past, versioning can be suspended. */
  likeMoto: { acceptsShortening: true, acceptsPastLocks: true, letsVersioningBeSuspended: true },
};

/** In what SeaweedFS 4.48 was seen to differ from S3. It is no liar: its locks hold. */
export const likeSeaweed: { readonly extendingMovesDate: true; readonly locksDeleteMarkers: true } = {
  extendingMovesDate: true,
  locksDeleteMarkers: true,
};
