import type { BigIntStats } from 'node:fs';
import type { FileFacts } from './fileTasks.ts';

/** What this program keeps of a stat. */
export function factsOf(stats: BigIntStats): FileFacts {
  return {
    device: BigInt.asUintN(64, stats.dev),
    inode: BigInt.asUintN(64, stats.ino),
    mode: Number(stats.mode),
    uid: Number(stats.uid) >>> 0,
    gid: Number(stats.gid) >>> 0,
    links: Number(stats.nlink),
    size: Number(stats.size),
    mtime: stats.mtimeNs,
    ctime: stats.ctimeNs,
    allocated: Number(stats.blocks) * 512,
  };
}

/** Whether two looks at a name saw the same file with nothing written in between. */
export function sameFile(a: FileFacts, b: FileFacts): boolean {
  return a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime && a.inode === b.inode && a.device === b.device;
}
