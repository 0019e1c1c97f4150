import { constants } from 'node:fs';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import tarStream from 'tar-stream';
import type { Entry } from '../repository/entry.ts';
import type { LocatedEntry, RestorePointContents } from './restorePointContents.ts';

/** Takes the archive's bytes; resolves when they have been passed on. */
export type WriteBytes = (bytes: Uint8Array) => Promise<void>;

/**
 * Writes what is at a path as a POSIX.1-2001 archive: files, folders, links; hard links as such; holes as zeros. FIFOs, sockets and devices are left
 * out, as are names that are not text beyond what the archive's text headers can hold. Rejects with refusals where data is damaged.
 */
export async function dumpTar(contents: RestorePointContents, path: string, write: WriteBytes, signal: AbortSignal): Promise<void> {
  const archive = tarStream.pack();
  const produce = fillArchive(contents, path, archive, signal).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  try {
    for await (const piece of archive) if (piece instanceof Uint8Array) await write(piece);
    await produce;
  } finally {
    archive.destroy();
  }
}

async function fillArchive(contents: RestorePointContents, path: string, archive: tarStream.Pack, signal: AbortSignal): Promise<void> {
  const firstNames = new Map<string, string>();
  for await (const located of contents.walk(path, { recursive: true, signal })) {
    signal.throwIfAborted();
    const name = contents.pathOf(located);
    if (name === '') continue;
    await addEntry(contents, located, name, archive, firstNames, signal);
  }
}

async function addEntry(
  contents: RestorePointContents,
  { source, entry }: LocatedEntry,
  name: string,
  archive: tarStream.Pack,
  firstNames: Map<string, string>,
  signal: AbortSignal,
): Promise<void> {
  // The library takes a mode of 0 for none; of what lies above the permissions it writes nothing.
  const header = { mode: entry.mode | constants.S_IFREG, ...timeAndOwner(entry) };
  switch (entry.kind) {
    case 'directory':
      return put(archive, { ...header, name: `${name}/`, type: 'directory' });
    case 'link':
      return put(archive, { ...header, name, type: 'symlink', linkname: Buffer.from(entry.linkTarget ?? []).toString('utf8') });
    case 'file':
    case 'stream': {
      const group = entry.hardLinkGroup === undefined ? undefined : `${source.id}/${entry.hardLinkGroup}`;
      const first = group === undefined ? undefined : firstNames.get(group);
      if (first !== undefined) return put(archive, { ...header, name, type: 'link', linkname: first });
      if (group !== undefined) firstNames.set(group, name);
      const sink = archive.entry({ ...header, name, type: 'file', size: entry.size ?? 0 });
      const data = Readable.from(contents.reader.readFile(entry, { signal }), { objectMode: false });
      data.on('error', (error) => sink.destroy(error));
      data.pipe(sink);
      return finished(sink, { readable: false });
    }
    case 'fifo':
    case 'socket':
    case 'characterDevice':
    case 'blockDevice':
      return Promise.resolve();
  }
}

function put(archive: tarStream.Pack, header: Parameters<tarStream.Pack['entry']>[0]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  archive.entry(header, (error) => (error === null || error === undefined ? resolve() : reject(error)));
  return promise;
}

/** The largest that the fixed fields hold as the library writes them: six octal digits for ids, 31 bits of seconds. */
const largestId = 0o777_777;
const largestSecond = 2 ** 31 - 1;

/** What the fixed fields cannot hold stands in an extended header (POSIX.1-2024, pax, "mtime", "uid", "gid"). */
function timeAndOwner({ mtime = 0n, owner }: Entry): { mtime: Date; uid: number; gid: number; pax?: Record<string, string> } {
  const seconds = Number(mtime / 1_000_000_000n);
  const uid = owner?.uid ?? 0;
  const gid = owner?.gid ?? 0;
  const pax = {
    ...(mtime < 0n || seconds > largestSecond ? { mtime: decimalSeconds(mtime) } : {}),
    ...(uid > largestId ? { uid: String(uid) } : {}),
    ...(gid > largestId ? { gid: String(gid) } : {}),
  };
  return {
    mtime: new Date(Math.min(Math.max(seconds, 0), largestSecond) * 1000),
    uid: Math.min(uid, largestId),
    gid: Math.min(gid, largestId),
    ...(Object.keys(pax).length === 0 ? {} : { pax }),
  };
}

function decimalSeconds(nanoseconds: bigint): string {
  const digits = (nanoseconds < 0n ? -nanoseconds : nanoseconds).toString().padStart(10, '0');
  return `${nanoseconds < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
