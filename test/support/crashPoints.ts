import { DatabaseSync, StatementSync } from 'node:sqlite';
import { type FileSystem, nodeFileSystem, type OpenFile } from '../../daemon/locations/fileAccess.ts';

/** Told right before each step that changes what a crash leaves behind; what it throws happens in place of the step. */
export type Reached = (step: string) => void | Promise<void>;

/** A file system whose changes are counted: each is told of before it happens, a write once more when half of it is there. */
export function countedFileSystem(reached: Reached, under: FileSystem = nodeFileSystem): FileSystem {
  return {
    openToRead: (path) => under.openToRead(path),
    factsOf: (path) => under.factsOf(path),
    factsOfTarget: (path) => under.factsOfTarget(path),
    readFolder: (path) => under.readFolder(path),
    space: (path) => under.space(path),
    create: async (path) => {
      await reached('create');
      const file = await under.create(path);
      return {
        read: (bytes, position) => file.read(bytes, position),
        facts: () => file.facts(),
        close: () => file.close(),
        write: (bytes, position) => writeInHalves(file, bytes, position, reached),
        sync: async () => {
          await reached('sync');
          await file.sync();
        },
      };
    },
    syncFolder: async (path) => {
      await reached('sync folder');
      return under.syncFolder(path);
    },
    link: async (existing, path) => {
      await reached('link');
      await under.link(existing, path);
    },
    rename: async (from, to) => {
      await reached('rename');
      await under.rename(from, to);
    },
    unlink: async (path) => {
      await reached('unlink');
      await under.unlink(path);
    },
    makeFolder: async (path) => {
      await reached('make folder');
      await under.makeFolder(path);
    },
    removeFolder: async (path) => {
      await reached('remove folder');
      await under.removeFolder(path);
    },
  };
}

async function writeInHalves(file: OpenFile, bytes: Uint8Array, position: number, reached: Reached): Promise<number> {
  await reached('write');
  const half = bytes.length >> 1;
  let written = 0;
  while (written < half) written += await file.write(bytes.subarray(written, half), position + written);
  await reached('write the rest');
  while (written < bytes.length) written += await file.write(bytes.subarray(written), position + written);
  return written;
}

/** Tells before each commit of the catalog's, and before each write that is a transaction of its own, until disposed. */
export function countCatalogWrites(reached: (step: string) => void): Disposable {
  const execute = descriptorOf(DatabaseSync.prototype, 'exec');
  const run = descriptorOf(StatementSync.prototype, 'run');
  let isInTransaction = false;
  Object.defineProperty(DatabaseSync.prototype, 'exec', {
    ...execute,
    value(this: DatabaseSync, sql: string): void {
      if (sql === 'COMMIT') reached('commit');
      Reflect.apply(execute.value, this, [sql]);
      if (sql.startsWith('BEGIN')) isInTransaction = true;
      if (sql === 'COMMIT' || sql === 'ROLLBACK') isInTransaction = false;
    },
  });
  Object.defineProperty(StatementSync.prototype, 'run', {
    ...run,
    value(this: StatementSync, ...values: readonly unknown[]): unknown {
      if (!isInTransaction) reached('write a row');
      return Reflect.apply(run.value, this, values);
    },
  });
  return {
    [Symbol.dispose]: () => {
      Object.defineProperty(DatabaseSync.prototype, 'exec', execute);
      Object.defineProperty(StatementSync.prototype, 'run', run);
    },
  };
}

function descriptorOf(prototype: object, name: string): PropertyDescriptor & { readonly value: (...values: unknown[]) => unknown } {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  const value: unknown = descriptor?.value;
  if (!isFunction(value)) throw new Error('node:sqlite has changed');
  return { ...descriptor, value };
}

function isFunction(value: unknown): value is (...values: unknown[]) => unknown {
  return typeof value === 'function';
}
