import { dirname } from 'node:path';
import type { FileFacts, FileSystem, FolderEntry, OpenFile } from '../../daemon/locations/fileAccess.ts';
import { SeededRandom } from './random.ts';

/** Operations that change the disk, in the order of which faults are counted. */
export type DiskOperation = 'create' | 'write' | 'sync' | 'syncFolder' | 'link' | 'rename' | 'unlink' | 'makeFolder' | 'removeFolder';

interface FileNode {
  readonly kind: 'file';
  readonly inode: bigint;
  bytes: Uint8Array;
  /** What the platter surely has. */
  synced: Uint8Array;
  modified: Date;
}

interface FolderNode {
  readonly kind: 'folder';
  readonly inode: bigint;
  names: Map<string, DiskNode>;
  synced: Map<string, DiskNode>;
}

interface LinkNode {
  readonly kind: 'other';
  readonly inode: bigint;
}

type DiskNode = FileNode | FolderNode | LinkNode;

export interface DiskFault {
  /** Any changing operation where left out. */
  readonly operation?: DiskOperation;
  /** The n-th such operation, from 1. */
  readonly at: number;
  /** A system code such as `ENOSPC`; `crash` ends the machine: this and all further operations fail. */
  readonly code: string;
}

const pageLength = 4096;

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${path}`), { code, syscall: 'simulated' });
}

/**
 * A file system in memory that knows what was synced. `loseUnsynced` gives the disk as it may look after a power cut: names that were not synced are there or not,
 * pages that were not synced are old, new or zero, each by a seeded throw.
 */
export class MemoryDisk implements FileSystem {
  readonly root: FolderNode = { kind: 'folder', inode: 1n, names: new Map(), synced: new Map() };
  readonly operations: DiskOperation[] = [];
  capacity: number = Number.POSITIVE_INFINITY;
  now: () => Date = () => new Date();
  hardLinks = true;
  #faults: readonly DiskFault[] = [];
  #counts: Map<DiskFault, number> = new Map();
  #crashed = false;
  #inode = 1n;

  setFaults(...faults: readonly DiskFault[]): void {
    this.#faults = faults;
    this.#counts = new Map();
  }

  /** What is left after a power cut, as a new disk without faults. */
  loseUnsynced(seed: number): MemoryDisk {
    const random = new SeededRandom(seed);
    const after = new MemoryDisk();
    after.#inode = this.#inode;
    const survivors = new Map<DiskNode, DiskNode>();
    const survive = (node: DiskNode): DiskNode => {
      const known = survivors.get(node);
      if (known !== undefined) return known;
      if (node.kind === 'other') return node;
      if (node.kind === 'file') {
        const bytes = mixed(node, random);
        const file: FileNode = { kind: 'file', inode: node.inode, bytes, synced: bytes, modified: node.modified };
        survivors.set(node, file);
        return file;
      }
      const folder: FolderNode = { kind: 'folder', inode: node.inode, names: new Map(), synced: new Map() };
      survivors.set(node, folder);
      this.#fill(folder, node, random, survive);
      return folder;
    };
    this.#fill(after.root, this.root, random, survive);
    return after;
  }

  #fill(folder: FolderNode, from: FolderNode, random: SeededRandom, survive: (node: DiskNode) => DiskNode): void {
    for (const name of new Set([...from.synced.keys(), ...from.names.keys()])) {
      const old = from.synced.get(name);
      const current = from.names.get(name);
      const kept = old === current || random.next() < 0.5 ? current : old;
      if (kept === undefined) continue;
      const node = survive(kept);
      folder.names.set(name, node);
      folder.synced.set(name, node);
    }
  }

  async openToRead(path: string): Promise<OpenFile> {
    const node = this.#node(path);
    if (node.kind === 'other') throw systemError('ELOOP', path);
    if (node.kind === 'folder') throw systemError('EISDIR', path);
    return this.#open(node, path);
  }

  async create(path: string): Promise<OpenFile> {
    const folder = this.#folderOf(path);
    const name = nameOf(path);
    if (folder.names.has(name)) throw systemError('EEXIST', path);
    this.#operation('create', path);
    this.#inode += 1n;
    const node: FileNode = { kind: 'file', inode: this.#inode, bytes: new Uint8Array(0), synced: new Uint8Array(0), modified: this.now() };
    folder.names.set(name, node);
    return this.#open(node, path);
  }

  async syncFolder(path: string): Promise<boolean> {
    const node = this.#node(path);
    if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
    this.#operation('syncFolder', path);
    node.synced = new Map(node.names);
    return true;
  }

  async link(existing: string, path: string): Promise<void> {
    const node = this.#node(existing);
    const folder = this.#folderOf(path);
    if (!this.hardLinks) throw systemError('EPERM', path);
    if (folder.names.has(nameOf(path))) throw systemError('EEXIST', path);
    this.#operation('link', path);
    folder.names.set(nameOf(path), node);
  }

  async rename(from: string, to: string): Promise<void> {
    const node = this.#node(from);
    this.#operation('rename', to);
    this.#folderOf(from).names.delete(nameOf(from));
    this.#folderOf(to).names.set(nameOf(to), node);
  }

  async unlink(path: string): Promise<void> {
    this.#node(path);
    this.#operation('unlink', path);
    this.#folderOf(path).names.delete(nameOf(path));
  }

  async makeFolder(path: string): Promise<void> {
    const folder = this.#folderOf(path);
    if (folder.names.has(nameOf(path))) throw systemError('EEXIST', path);
    this.#operation('makeFolder', path);
    this.#inode += 1n;
    folder.names.set(nameOf(path), { kind: 'folder', inode: this.#inode, names: new Map(), synced: new Map() });
  }

  async removeFolder(path: string): Promise<void> {
    const node = this.#node(path);
    if (node.kind !== 'folder' || node.names.size > 0) throw systemError('ENOTEMPTY', path);
    this.#operation('removeFolder', path);
    this.#folderOf(path).names.delete(nameOf(path));
  }

  async factsOf(path: string): Promise<FileFacts> {
    return this.#facts(this.#node(path));
  }

  factsOfTarget(path: string): Promise<FileFacts> {
    return this.factsOf(path);
  }

  async readFolder(path: string): Promise<readonly FolderEntry[]> {
    const node = this.#node(path);
    if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
    return [...node.names].map(([name, entry]) => ({ name, kind: entry.kind }));
  }

  async space(): Promise<{ readonly available: number; readonly total: number }> {
    return { available: this.capacity - this.#used(this.root, new Set()), total: this.capacity };
  }

  #open(node: FileNode, path: string): OpenFile {
    return {
      write: async (bytes, position) => {
        this.#operation('write', path);
        const free = this.capacity - this.#used(this.root, new Set());
        const length = Math.min(bytes.length, free);
        if (length <= 0) throw systemError('ENOSPC', path);
        const grown = new Uint8Array(Math.max(node.bytes.length, position + length));
        grown.set(node.bytes);
        grown.set(bytes.subarray(0, length), position);
        node.bytes = grown;
        node.modified = this.now();
        return length;
      },
      read: async (bytes, position) => {
        this.#alive(path);
        const found = node.bytes.subarray(position, position + bytes.length);
        bytes.set(found);
        return found.length;
      },
      sync: async () => {
        this.#operation('sync', path);
        node.synced = node.bytes.slice();
      },
      facts: async () => this.#facts(node),
      close: async () => undefined,
    };
  }

  /** Counts a changing operation, and fails it where a fault says so, before anything is changed. */
  #operation(operation: DiskOperation, path: string): void {
    this.#alive(path);
    this.operations.push(operation);
    for (const fault of this.#faults) {
      if (fault.operation !== undefined && fault.operation !== operation) continue;
      const count = (this.#counts.get(fault) ?? 0) + 1;
      this.#counts.set(fault, count);
      if (count !== fault.at) continue;
      if (fault.code === 'crash') this.#crashed = true;
      throw systemError(fault.code === 'crash' ? 'EIO' : fault.code, path);
    }
  }

  #alive(path: string): void {
    if (this.#crashed) throw systemError('EIO', path);
  }

  #facts(node: DiskNode): FileFacts {
    const size = node.kind === 'file' ? node.bytes.length : 0;
    return { kind: node.kind, size, modified: node.kind === 'file' ? node.modified : this.now(), device: 1n, inode: node.inode };
  }

  #used(node: DiskNode, seen: Set<DiskNode>): number {
    if (seen.has(node)) return 0;
    seen.add(node);
    if (node.kind === 'file') return node.bytes.length;
    return node.kind === 'other' ? 0 : [...node.names.values()].reduce((sum, entry) => sum + this.#used(entry, seen), 0);
  }

  #folderOf(path: string): FolderNode {
    const node = this.#node(dirname(path));
    if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
    return node;
  }

  #node(path: string): DiskNode {
    this.#alive(path);
    let node: DiskNode = this.root;
    for (const part of path.split('/').filter((each) => each !== '')) {
      if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
      const next: DiskNode | undefined = node.names.get(part);
      if (next === undefined) throw systemError('ENOENT', path);
      node = next;
    }
    return node;
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Pages that were not synced are old, new or zero. */
function mixed(node: FileNode, random: SeededRandom): Uint8Array {
  if (node.bytes === node.synced || Buffer.compare(node.bytes, node.synced) === 0) return node.bytes;
  const length = random.next() < 0.5 ? node.bytes.length : node.synced.length;
  const result = new Uint8Array(length);
  for (let at = 0; at < length; at += pageLength) {
    const throwOf = random.next();
    const source = throwOf < 0.4 ? node.bytes : throwOf < 0.8 ? node.synced : new Uint8Array(0);
    result.set(source.subarray(at, Math.min(at + pageLength, length)), at);
  }
  return result;
}
