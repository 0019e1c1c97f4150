import { type BigIntStats, closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

export type EntryKind = 'file' | 'folder' | 'link' | 'fifo' | 'socket' | 'device';

export interface CompareOptions {
  /** How far apart modification times may lie, in nanoseconds. Default 1,000: Node sets times as doubles, exact to about 240 ns. */
  readonly mtimePrecision?: bigint;
  /** Compare user and group. Default: as root only, others can't give files away. */
  readonly owners?: boolean;
  /** Holes must have stayed holes. Default true. */
  readonly holes?: boolean;
  /** The metadata of the two top folders themselves too. Default true. */
  readonly top?: boolean;
  /** Entries of either side that do not count; below a folder that is left out nothing is looked at. `path` is relative, bytes, without a leading slash. */
  readonly leaveOut?: (path: Buffer, kind: EntryKind) => boolean;
}

export interface Comparison {
  /** One line a difference, with the path quoted; empty when the two are equal. */
  readonly differences: readonly string[];
  readonly files: number;
  readonly folders: number;
  readonly links: number;
  /** Bytes of content that were compared. */
  readonly bytes: number;
}

interface Side {
  readonly root: Buffer;
  /** First path that was met of each inode with more than one name. */
  readonly firstNames: Map<string, string>;
}

const slash = Buffer.from('/');
const blockBytes = 512n;
const holeSlack = 128n * 1024n;
const readBytes = 1 << 20;

function join(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 ? name : Buffer.concat([folder, slash, name]);
}

function kindOf(stats: BigIntStats): EntryKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'device';
}

/** A path as text that shows every byte: what is not UTF-8 comes out as hex. */
function show(path: Buffer): string {
  const text = path.toString('utf8');
  return Buffer.from(text, 'utf8').equals(path) ? JSON.stringify(text) : `hex ${path.toString('hex')}`;
}

function readFully(handle: number, into: Buffer): number {
  let filled = 0;
  while (filled < into.length) {
    const count = readSync(handle, into, filled, into.length - filled, null);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** The first path that was met of the same inode; empty where this is the first or the only one. */
function earlierName(side: Side, stats: BigIntStats, path: Buffer): string {
  if (stats.nlink < 2n) return '';
  const inode = `${stats.dev}:${stats.ino}`;
  const own = path.toString('latin1');
  const first = side.firstNames.get(inode) ?? own;
  side.firstNames.set(inode, first);
  return first === own ? '' : first;
}

/** Offset of the first byte that differs; -1 where the two files are equal. */
function firstDifference(a: Buffer, b: Buffer, buffers: readonly [Buffer, Buffer]): number {
  const [left, right] = buffers;
  const handles = [openSync(a, 'r'), openSync(b, 'r')] as const;
  try {
    for (let offset = 0; ; offset += left.length) {
      const counts = [readFully(handles[0], left), readFully(handles[1], right)] as const;
      const common = Math.min(...counts);
      if (left.compare(right, 0, common, 0, common) !== 0) {
        let index = 0;
        while (left[index] === right[index]) index += 1;
        return offset + index;
      }
      if (counts[0] !== counts[1]) return offset + common;
      if (common < left.length) return -1;
    }
  } finally {
    for (const handle of handles) closeSync(handle);
  }
}

/**
 * Compares two folders entry by entry, with nothing of the product's: names as bytes, kinds, modes, owners, sizes, contents, link targets,
 * which names are hard links of one another, modification times and holes.
 */
export function compareTrees(expected: string, actual: string, options: CompareOptions = {}): Comparison {
  const precision = options.mtimePrecision ?? 1000n;
  const owners = options.owners ?? process.getuid?.() === 0;
  const sides: readonly [Side, Side] = [
    { root: Buffer.from(expected), firstNames: new Map() },
    { root: Buffer.from(actual), firstNames: new Map() },
  ];
  const buffers = [Buffer.allocUnsafe(readBytes), Buffer.allocUnsafe(readBytes)] as const;
  const differences: string[] = [];
  const counts = { files: 0, folders: 0, links: 0, bytes: 0 };

  const absolute = (side: Side, path: Buffer): Buffer => (path.length === 0 ? side.root : Buffer.concat([side.root, slash, path]));
  const names = (side: Side, folder: Buffer): Map<string, Buffer> => {
    const found = readdirSync(absolute(side, folder), { encoding: 'buffer' }).filter((name) => {
      const path = join(folder, name);
      return options.leaveOut?.(path, kindOf(lstatSync(absolute(side, path), { bigint: true }))) !== true;
    });
    return new Map(found.toSorted((a, b) => a.compare(b)).map((name) => [name.toString('latin1'), name]));
  };

  const compareMetadata = (path: Buffer, a: BigIntStats, b: BigIntStats, kind: EntryKind): void => {
    const differ = (what: string, left: unknown, right: unknown): void => {
      differences.push(`${show(path)}: ${what} ${String(left)}, not ${String(right)}`);
    };
    if (kind !== 'link' && a.mode !== b.mode) differ('mode', (b.mode & 0o7777n).toString(8), (a.mode & 0o7777n).toString(8));
    if (owners && (a.uid !== b.uid || a.gid !== b.gid)) differ('owner', `${b.uid}:${b.gid}`, `${a.uid}:${a.gid}`);
    const apart = a.mtimeNs > b.mtimeNs ? a.mtimeNs - b.mtimeNs : b.mtimeNs - a.mtimeNs;
    if (apart > precision) differ('modification time (ns)', b.mtimeNs, a.mtimeNs);
    if (kind === 'file' && (options.holes ?? true)) {
      const isSparse = a.blocks * blockBytes + holeSlack < a.size;
      if (isSparse && b.blocks * blockBytes > a.blocks * blockBytes + holeSlack) differ('blocks on disk', b.blocks, a.blocks);
    }
  };

  const compareEntry = (path: Buffer): void => {
    const [left, right] = [absolute(sides[0], path), absolute(sides[1], path)];
    const [a, b] = [lstatSync(left, { bigint: true }), lstatSync(right, { bigint: true })];
    const [kind, actualKind] = [kindOf(a), kindOf(b)];
    if (kind !== actualKind) {
      differences.push(`${show(path)}: a ${actualKind}, not a ${kind}`);
      return;
    }
    if (path.length > 0 || (options.top ?? true)) compareMetadata(path, a, b, kind);
    if (kind === 'folder') {
      counts.folders += 1;
      compareFolder(path);
      return;
    }
    const [leftGroup, rightGroup] = [earlierName(sides[0], a, path), earlierName(sides[1], b, path)];
    if (leftGroup !== rightGroup) {
      differences.push(
        `${show(path)}: ${rightGroup === '' ? 'no hard link' : 'a hard link'} of ${show(Buffer.from(leftGroup || rightGroup, 'latin1'))}`,
      );
    }
    if (kind === 'link') {
      counts.links += 1;
      const [leftTarget, rightTarget] = [readlinkSync(left, { encoding: 'buffer' }), readlinkSync(right, { encoding: 'buffer' })];
      if (!leftTarget.equals(rightTarget)) differences.push(`${show(path)}: a link to ${show(rightTarget)}, not to ${show(leftTarget)}`);
    } else if (kind === 'file') {
      counts.files += 1;
      counts.bytes += Number(a.size);
      if (a.size !== b.size) differences.push(`${show(path)}: ${b.size} bytes, not ${a.size}`);
      else {
        const offset = firstDifference(left, right, buffers);
        if (offset >= 0) differences.push(`${show(path)}: content differs from byte ${offset} on`);
      }
    }
  };

  const compareFolder = (folder: Buffer): void => {
    const [left, right] = [names(sides[0], folder), names(sides[1], folder)];
    for (const [key, name] of left) {
      if (right.has(key)) compareEntry(join(folder, name));
      else differences.push(`${show(join(folder, name))}: missing`);
    }
    for (const [key, name] of right) if (!left.has(key)) differences.push(`${show(join(folder, name))}: not expected`);
  };

  compareEntry(Buffer.alloc(0));
  return { differences, ...counts };
}
