import * as z from 'zod';
import type { Method, Page, PageParams, StreamRef, WorkParams } from '../method.ts';
import { pageOf, pageParams, requestId, streamRef } from '../method.ts';
import { type Started, started } from './actions.ts';
import { count, entryPath, type Finding, finding, findingsInline, hostPath, reference, seconds, storedName, time, uuid } from './values.ts';

export interface RestorePoint {
  readonly id: string;
  /** The policy's name; its last one where the policy was deleted. */
  readonly policy: string;
  readonly policyId: string;
  readonly sequence: number;
  readonly startedAt: string;
  readonly uploadEndTime: string;
  readonly storeTime: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly addedBytes: number;
  readonly protectedUntil: string | null;
  readonly state: 'live' | 'retired' | 'damaged';
  readonly pinned: boolean;
  /** `null`: never verified. */
  readonly verified: { readonly at: string; readonly result: 'ok' | 'damaged' } | null;
  readonly anomaly: string | null;
  /** Another installation's: it is read here, and neither kept nor retired. */
  readonly imported: boolean;
  readonly description: string | null;
}

export const restorePoint: z.ZodType<RestorePoint> = z.strictObject({
  id: uuid,
  policy: storedName,
  policyId: uuid,
  sequence: count,
  startedAt: time,
  uploadEndTime: time,
  storeTime: time.nullable(),
  files: count,
  bytes: count,
  addedBytes: count,
  protectedUntil: time.nullable(),
  state: z.enum(['live', 'retired', 'damaged']),
  pinned: z.boolean(),
  verified: z.strictObject({ at: time, result: z.enum(['ok', 'damaged']) }).nullable(),
  anomaly: z.string().nullable(),
  imported: z.boolean(),
  description: z.string().nullable(),
});

export interface RestorePointListParams extends PageParams {
  readonly policy?: string;
  /** Those that started at this time or later. */
  readonly since?: string;
  readonly includeRetired: boolean;
}

/** Newest first. */
export const restorePointList: Method<RestorePointListParams, Page<RestorePoint>> = {
  name: 'restorePoint.list',
  params: z.strictObject({ ...pageParams, policy: reference.exactOptional(), since: time.exactOptional(), includeRetired: z.boolean() }),
  result: pageOf(restorePoint),
  right: 'unlocked',
};

/** A policy that has restore points. */
export interface ProtectedPolicy {
  readonly policyId: string;
  /** Its name; its last one where it was deleted. */
  readonly policy: string;
  readonly deleted: boolean;
  /** Retired ones do not count. */
  readonly restorePoints: number;
  /** When the newest of them started. */
  readonly newestAt: string;
}

/** Who has restore points, in order of names; policies that were deleted come last. */
export const restorePointPolicies: Method<PageParams, Page<ProtectedPolicy>> = {
  name: 'restorePoint.policies',
  params: z.strictObject({ ...pageParams }),
  result: pageOf(z.strictObject({ policyId: uuid, policy: storedName, deleted: z.boolean(), restorePoints: count, newestAt: time })),
  right: 'unlocked',
};

export interface RestorePointParams {
  readonly restorePoint: string;
}

export const restorePointShow: Method<RestorePointParams, RestorePoint> = {
  name: 'restorePoint.show',
  params: z.strictObject({ restorePoint: reference }),
  result: restorePoint,
  right: 'unlocked',
};

/** The kinds of docs/format.md, Trees and lists. */
export type EntryKind = 'file' | 'dir' | 'link' | 'fifo' | 'socket' | 'char' | 'block' | 'stream';

export interface Entry {
  readonly path: string;
  readonly kind: EntryKind;
  /** `st_mode & 07777`. */
  readonly mode: number;
  /** Bytes; `null` for what has no size. */
  readonly size: number | null;
  readonly mtime: string | null;
  readonly linkTarget: string | null;
  /** base64 of the path where it is not UTF-8, else `null`. */
  readonly pathBytes: string | null;
}

const entryShape = {
  path: z.string(),
  kind: z.enum(['file', 'dir', 'link', 'fifo', 'socket', 'char', 'block', 'stream']),
  mode: count,
  // A hostile tree may claim up to 2^63 - 1, beyond the integers that a number holds.
  size: z.number().min(0).nullable(),
  mtime: time.nullable(),
  linkTarget: z.string().nullable(),
  pathBytes: z.base64().nullable(),
};

export const entry: z.ZodType<Entry> = z.strictObject(entryShape);

/** An entry and where it came from. */
export interface LocatedEntry extends Entry {
  /** Its absolute path on the machine that was backed up; `null` for the top of several sources and for what a command printed. */
  readonly hostPath: string | null;
}

export interface RestorePointStatParams extends RestorePointParams {
  readonly path: string;
}

/** The entry at a path itself, a folder too; the top is a folder. Errors: `unknownName` (no such path), `damaged`. */
export const restorePointStat: Method<RestorePointStatParams, LocatedEntry> = {
  name: 'restorePoint.stat',
  params: z.strictObject({ restorePoint: reference, path: entryPath }),
  result: z.strictObject({ ...entryShape, hostPath: z.string().nullable() }),
  right: 'unlocked',
};

export interface RestorePointFilesParams extends RestorePointParams, PageParams {
  /** A folder lists what is in it, anything else itself; left out: the top. */
  readonly path?: string;
  readonly recursive: boolean;
}

/** In the order of the tree, by bytes; a folder before what is in it. Errors: `unknownName` (no such path), `damaged`. */
export const restorePointFiles: Method<RestorePointFilesParams, Page<Entry>> = {
  name: 'restorePoint.files',
  params: z.strictObject({ ...pageParams, restorePoint: reference, path: entryPath.exactOptional(), recursive: z.boolean() }),
  result: pageOf(entry),
  right: 'unlocked',
};

export interface RestorePointCatParams extends RestorePointParams {
  readonly path: string;
}

/** The bytes of one file or stream. Errors: `unknownName`, `badValue` (not a file); in the stream `damaged`. */
export const restorePointCat: Method<RestorePointCatParams, StreamRef> = {
  name: 'restorePoint.cat',
  params: z.strictObject({ restorePoint: reference, path: entryPath }),
  result: streamRef,
  right: 'unlocked',
};

export interface RestorePointDumpParams extends RestorePointParams {
  readonly path?: string;
  readonly format: 'tar';
}

/** A POSIX.1-2001 (pax) archive of a restore point or a part of it; made by the daemon. */
export const restorePointDump: Method<RestorePointDumpParams, StreamRef> = {
  name: 'restorePoint.dump',
  params: z.strictObject({ restorePoint: reference, path: entryPath.exactOptional(), format: z.literal('tar') }),
  result: streamRef,
  right: 'unlocked',
};

/** `metadata`: the content is the same; `kind`: a file became a folder, a link, … */
export type Change = 'added' | 'removed' | 'modified' | 'metadata' | 'kind';

export interface PathChange {
  readonly path: string;
  readonly change: Change;
}

const changeSchema: z.ZodType<Change> = z.enum(['added', 'removed', 'modified', 'metadata', 'kind']);

/** What leads from the restore point to the other one; with `source` to the sources as they are now; with `previous` from the one before it to it. */
export interface RestorePointDiffParams extends RestorePointParams, PageParams {
  readonly against: 'previous' | 'source' | 'other';
  /** With `other`. */
  readonly other?: string;
}

export const restorePointDiff: Method<RestorePointDiffParams, Page<PathChange>> = {
  name: 'restorePoint.diff',
  params: z.strictObject({
    ...pageParams,
    restorePoint: reference,
    against: z.enum(['previous', 'source', 'other']),
    other: reference.exactOptional(),
  }),
  result: pageOf(z.strictObject({ path: z.string(), change: changeSchema })),
  right: 'unlocked',
};

export interface RestorePointVerifyParams extends RestorePointParams, WorkParams {
  /** Reads, decrypts and checks every chunk; otherwise presence, sizes and metadata. */
  readonly readData: boolean;
}

export const restorePointVerify: Method<RestorePointVerifyParams, Started> = {
  name: 'restorePoint.verify',
  params: z.strictObject({ requestId, restorePoint: reference, readData: z.boolean() }),
  result: started,
  right: 'unlocked',
  startsWork: true,
};

/** The result of an action of kind `verify`. */
export interface VerifyDocument {
  readonly actionId: string;
  readonly restorePointId: string;
  /** Nothing that is stored is damaged. Where it is `false` and the action has only warnings, every file can be restored all the same: other copies serve. */
  readonly ok: boolean;
  readonly checkedObjects: number;
  readonly checkedBytes: number;
  readonly damaged: readonly Finding[];
  /** All there are; `damaged` holds the first of them. */
  readonly damagedCount: number;
  /** `false`: only a migration key is held, so whether the owner wrote it was not checked. */
  readonly ownerTagChecked: boolean;
  /** Sentences about what is no damage, and should be known. */
  readonly notes: readonly string[];
  readonly seconds: number;
}

export const verifyDocument: z.ZodType<VerifyDocument> = z.strictObject({
  actionId: uuid,
  restorePointId: uuid,
  ok: z.boolean(),
  checkedObjects: count,
  checkedBytes: count,
  damaged: z.array(finding).max(findingsInline),
  damagedCount: count,
  ownerTagChecked: z.boolean().default(true),
  notes: z.array(z.string()).max(findingsInline).default([]),
  seconds,
});

export interface RestorePointRetireParams extends RestorePointParams {
  readonly confirmed: boolean;
}

/** In this order: `unknownName`, `refusedByRule` (pinned), `confirmationNeeded`, `stepUpNeeded`. */
export const restorePointRetire: Method<RestorePointRetireParams, RestorePoint> = {
  name: 'restorePoint.retire',
  params: z.strictObject({ restorePoint: reference, confirmed: z.boolean() }),
  result: restorePoint,
  right: 'stepUp',
  audit: { subjects: { restorePoint: 'restorePoint' }, facts: ['confirmed'] },
};

/** Keeps a restore point from being retired; `refusedByRule` for one that is. */
export const restorePointPin: Method<RestorePointParams, RestorePoint> = {
  name: 'restorePoint.pin',
  params: z.strictObject({ restorePoint: reference }),
  result: restorePoint,
  right: 'unlocked',
  audit: { subjects: { restorePoint: 'restorePoint' } },
};

/** `stepUpNeeded` where it is pinned and its policy's retention may retire it from then on. */
export const restorePointUnpin: Method<RestorePointParams, RestorePoint> = {
  name: 'restorePoint.unpin',
  params: z.strictObject({ restorePoint: reference }),
  result: restorePoint,
  right: 'unlocked',
  audit: { subjects: { restorePoint: 'restorePoint' } },
};

export interface FileHistoryParams extends PageParams {
  /** Of a file on the daemon's machine, absolute; it need not exist any more. */
  readonly path: string;
  /** The name of a command whose output is meant, where no source contains the path. */
  readonly command?: string;
}

/** One version of a file: the first restore point that has it so. */
export interface FileVersion {
  readonly restorePointId: string;
  readonly time: string;
  /** `null` where it was removed. */
  readonly size: number | null;
  readonly change: Change;
}

/** Newest first. Errors: `unknownName` (no policy protects that path, or has that command). */
export const restorePointFileHistory: Method<FileHistoryParams, Page<FileVersion>> = {
  name: 'restorePoint.fileHistory',
  params: z.strictObject({ ...pageParams, path: hostPath, command: storedName.exactOptional() }),
  result: pageOf(z.strictObject({ restorePointId: uuid, time, size: z.number().min(0).nullable(), change: changeSchema })),
  right: 'unlocked',
};
