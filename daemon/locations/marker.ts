import { join } from 'node:path';
import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import { isUuid, type StoreId } from '../../protocol/ids.ts';
import { parseStrictJson, withoutExtensions } from '../../protocol/strictJson.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import { createDurably } from './durableFile.ts';
import { type FileSystem, nodeFileSystem } from './fileAccess.ts';
import { storeError } from './storeErrors.ts';

/** The name of the marker at the top of a location: docs/format.md, Marker. */
export const markerName = 'holdfast-store';
const largestMarker = 4096;

/** `{format, storeId, createdAt}`: write-once and unauthenticated, so only a hint which store this is. */
export interface StoreMarker {
  readonly format: 'holdfast-store/1';
  readonly storeId: StoreId;
  /** RFC 3339 UTC with three decimals. */
  readonly createdAt: string;
}

const markerSchema: z.ZodType<StoreMarker> = z.strictObject({
  format: z.literal('holdfast-store/1'),
  storeId: z.custom<StoreId>((value) => typeof value === 'string' && isUuid(value)),
  createdAt: z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/),
});

/** The marker's stored bytes. */
export function markerBytes(marker: StoreMarker): Uint8Array {
  return Buffer.from(`${JSON.stringify(marker)}\n`, 'utf8');
}

/** Throws `damaged` where the bytes are no marker. */
export function parseMarker(bytes: Uint8Array): StoreMarker {
  const refuse = (cause: unknown): HoldfastError =>
    HoldfastError.failedTo('damaged', "read the location's marker", `${markerName} is not a marker of this program`, {
      fix: `If this folder is a store, put the file ${markerName} back from a copy; else choose an empty folder.`,
      cause,
    });
  if (bytes.length > largestMarker) throw refuse(undefined);
  try {
    return markerSchema.parse(withoutExtensions(parseStrictJson(bytes, { maxBytes: largestMarker, maxDepth: 4, what: 'the marker' })));
  } catch (error) {
    throw refuse(error);
  }
}

/** Reads the marker of a folder; `undefined` where it is not there (the folder is empty, missing, or the drive is not mounted). */
export async function readMarker(root: string, fileSystem: FileSystem = nodeFileSystem): Promise<StoreMarker | undefined> {
  const action = `read the marker of location ${root}`;
  try {
    const file = await fileSystem.openToRead(join(root, markerName));
    try {
      if ((await file.facts()).kind !== 'file') return parseMarker(new Uint8Array(0));
      const bytes = new Uint8Array(largestMarker + 1);
      let length = 0;
      while (length < bytes.length) {
        const read = await file.read(bytes.subarray(length), length);
        if (read === 0) break;
        length += read;
      }
      return parseMarker(bytes.subarray(0, length));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw storeError(action, error);
  }
}

/** The error of a location that is not there: an unmounted drive must never look like an empty new store. */
export function notThere(root: string): HoldfastError {
  return new HoldfastError('storeUnreachable', `Failed to open location ${root}: its marker ${markerName} is not there (unmounted?).`, {
    fix: 'Connect or mount the drive or share of this location, then try again.',
  });
}

/** The error of another store at the same path. */
export function otherStore(root: string, expected: StoreId, found: StoreId): HoldfastError {
  return new HoldfastError(
    'storeUnreachable',
    `Failed to open location ${root}: another store is there (another drive at the same path?).`,
    {
      fix: 'Connect the drive that belongs to this location, or add this folder as a location of its own.',
      details: { expected, found },
    },
  );
}

export interface InitialiseOptions {
  readonly storeId: StoreId;
  readonly now: Date;
  readonly fileSystem?: FileSystem;
}

/** Makes the marker in an existing folder, or takes the one that is there (a store that is added again keeps its id). Durable when it resolves. */
export async function initialiseStore(root: string, options: InitialiseOptions): Promise<StoreMarker> {
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const existing = await readMarker(root, fileSystem);
  if (existing !== undefined) return existing;
  const marker: StoreMarker = { format: 'holdfast-store/1', storeId: options.storeId, createdAt: options.now.toISOString() };
  try {
    await createDurably(fileSystem, root, markerName, markerBytes(marker));
    return marker;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw storeError(`make a store of folder ${root}`, error);
  }
  const winner = await readMarker(root, fileSystem);
  if (winner === undefined) throw notThere(root);
  return winner;
}
