import { constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, rmdir, stat, statfs, unlink } from 'node:fs/promises';
import { systemCode } from '../../protocol/systemCode.ts';

/** What this room asks of the operating system. All calls reject with Node's own errors (`code` such as `ENOSPC`); tests hand in one with faults. */
export interface FileSystem {
  /** Opens what has that name for reading, and waits for nobody (a FIFO's writer); a symbolic link as the last part is refused (ELOOP). */
  openToRead(path: string): Promise<OpenFile>;
  /** Makes a new file of mode 0600; EEXIST where there is anything under that name. */
  create(path: string): Promise<OpenFile>;
  /** Makes the names in a folder durable. Resolves to false where the system offers no such call (Windows, some network file systems). */
  syncFolder(path: string): Promise<boolean>;
  link(existing: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes one folder of mode 0700. */
  makeFolder(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  /** Facts of the name itself, links not followed. */
  factsOf(path: string): Promise<FileFacts>;
  /** Facts of what the name leads to, links followed. */
  factsOfTarget(path: string): Promise<FileFacts>;
  readFolder(path: string): Promise<readonly FolderEntry[]>;
  space(path: string): Promise<{ readonly available: number; readonly total: number }>;
}

export interface OpenFile {
  /** Writes from `bytes` at a position of the file; resolves to the count written, which may be short. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Reads into `bytes` from a position of the file; 0 at the end. */
  read(bytes: Uint8Array, position: number): Promise<number>;
  sync(): Promise<void>;
  facts(): Promise<FileFacts>;
  close(): Promise<void>;
}

export interface FileFacts {
  readonly kind: 'file' | 'folder' | 'other';
  readonly size: number;
  readonly modified: Date;
  readonly device: bigint;
  readonly inode: bigint;
}

export interface FolderEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
}

interface StatLike {
  isFile(): boolean;
  isDirectory(): boolean;
}

const kindOf = (entry: StatLike): FileFacts['kind'] => (entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other');

const factsFrom = (stats: Awaited<ReturnType<typeof statOf>>): FileFacts => ({
  kind: kindOf(stats),
  size: Number(stats.size),
  modified: new Date(Number(stats.mtimeMs)),
  device: stats.dev,
  inode: stats.ino,
});

const statOf = (path: string) => stat(path, { bigint: true });

/** The codes with which systems say that folders can't be synced. */
const folderSyncMissing: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EBADF']);
/** Windows opens no folders at all. */
const folderOpenMissing: ReadonlySet<string> = new Set(['EPERM', 'EISDIR', 'EACCES']);

const fileFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const folderFlags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0);

class NodeFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.write(bytes, 0, bytes.length, position)).bytesWritten;
  }

  async read(bytes: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(bytes, 0, bytes.length, position)).bytesRead;
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  async facts(): Promise<FileFacts> {
    return factsFrom(await this.#handle.stat({ bigint: true }));
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function syncFolder(path: string): Promise<boolean> {
  let handle: FileHandle;
  try {
    handle = await open(path, folderFlags);
  } catch (error) {
    if (process.platform === 'win32' && folderOpenMissing.has(systemCode(error) ?? '')) return false;
    throw error;
  }
  try {
    await handle.sync();
    return true;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (folderSyncMissing.has(code) || (process.platform === 'win32' && folderOpenMissing.has(code))) return false;
    throw error;
  } finally {
    await handle.close();
  }
}

/** The real one: libuv's thread pool, nothing synchronous. Buffers go to the system as they are, those over a SharedArrayBuffer too. */
export const nodeFileSystem: FileSystem = {
  openToRead: async (path) => new NodeFile(await open(path, fileFlags)),
  create: async (path) => new NodeFile(await open(path, 'wx', 0o600)),
  syncFolder,
  link,
  rename,
  unlink,
  makeFolder: async (path) => {
    await mkdir(path, { mode: 0o700 });
  },
  removeFolder: rmdir,
  factsOf: async (path) => factsFrom(await lstat(path, { bigint: true })),
  factsOfTarget: async (path) => factsFrom(await statOf(path)),
  readFolder: async (path) => (await readdir(path, { withFileTypes: true })).map((entry) => ({ name: entry.name, kind: kindOf(entry) })),
  space: async (path) => {
    const facts = await statfs(path);
    return { available: facts.bavail * facts.bsize, total: facts.blocks * facts.bsize };
  },
};
