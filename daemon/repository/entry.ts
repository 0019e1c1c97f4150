import type { FormatRule } from './refusal.ts';

/** Kinds of a tree's entries and their numbers (docs/format.md, Trees and lists). */
export const entryKinds = { file: 1, directory: 2, link: 3, fifo: 4, socket: 5, characterDevice: 6, blockDevice: 7, stream: 8 } as const;
export type EntryKind = keyof typeof entryKinds;

const kindNames: readonly (EntryKind | undefined)[] = [
  undefined,
  'file',
  'directory',
  'link',
  'fifo',
  'socket',
  'characterDevice',
  'blockDevice',
  'stream',
];

export function entryKindOf(number: number): EntryKind | undefined {
  return kindNames[number];
}

export const maxDirectChunks = 64;
export const maxListLevel = 4;

/** Where the data of a file or a further stream lies: at most 64 ids back to back, or a list of more. */
export type FileContent =
  | { readonly form: 'ids' /** n × 32 bytes */; readonly ids: Uint8Array }
  | { readonly form: 'list'; readonly id: Uint8Array; readonly level: number; readonly chunks: number };

export interface Extent {
  readonly offset: number;
  /** 1 or more. */
  readonly length: number;
}

export interface FurtherStream {
  readonly name: Uint8Array;
  readonly size: number;
  readonly content: FileContent | undefined;
}

/** An entry of a tree. Names, users, targets are bytes; times are nanoseconds since the epoch; sizes above 2^53 - 1 are not supported. */
export interface Entry {
  readonly name: Uint8Array;
  readonly kind: EntryKind;
  /** st_mode & 0o7777. */
  readonly mode: number;
  readonly mtime?: bigint;
  readonly birthTime?: bigint;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly ownerNames?: { readonly user: Uint8Array; readonly group: Uint8Array };
  readonly extendedAttributes?: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[];
  readonly windowsAttributes?: number;
  /** Form 1 POSIX access, 2 POSIX default, 3 NFSv4, 4 Windows security descriptor; native bytes. */
  readonly accessLists?: readonly { readonly form: number; readonly bytes: Uint8Array }[];
  readonly changedWhileRead?: boolean;
  readonly size?: number;
  readonly content?: FileContent;
  readonly linkTarget?: Uint8Array;
  /** Id of a directory's top node. */
  readonly child?: Uint8Array;
  readonly hardLinkGroup?: bigint;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Where a sparse file has data; the rest is zeros. */
  readonly extents?: readonly Extent[];
  readonly streams?: readonly FurtherStream[];
}

export const tags = {
  mtime: 0x01,
  birthTime: 0x02,
  owner: 0x03,
  ownerNames: 0x04,
  extendedAttribute: 0x05,
  windowsAttributes: 0x06,
  accessList: 0x07,
  changedWhileRead: 0x08,
  size: 0x81,
  chunkIds: 0x82,
  list: 0x83,
  linkTarget: 0x84,
  child: 0x85,
  hardLinkGroup: 0x86,
  device: 0x87,
  extents: 0x88,
  stream: 0x89,
} as const;

export const firstCriticalTag = 0x80;

const data: readonly number[] = [tags.size, tags.chunkIds, tags.list, tags.extents];
const device: readonly number[] = [tags.hardLinkGroup, tags.device];

/** The critical tags that belong to each kind. */
export const criticalTagsOf: Readonly<Record<EntryKind, readonly number[]>> = {
  file: [...data, tags.hardLinkGroup, tags.stream],
  stream: data,
  directory: [tags.child, tags.stream],
  link: [tags.linkTarget, tags.hardLinkGroup],
  fifo: [tags.hardLinkGroup],
  socket: [tags.hardLinkGroup],
  characterDevice: device,
  blockDevice: device,
};

/** Bytes of data that an entry's chunks make: the extents where it is sparse, else its size. */
export function dataLengthOf(entry: Pick<Entry, 'size' | 'extents'>): number {
  if (entry.extents === undefined) return entry.size ?? 0;
  return entry.extents.reduce((sum, extent) => sum + extent.length, 0);
}

export interface ContentFault {
  readonly rule: FormatRule;
  readonly cause: string;
}

/** The rule about content that an entry breaks, for writer and reader alike; `undefined` where there is none. */
export function contentFaultOf(entry: Entry): ContentFault | undefined {
  const { kind, content, extents, size } = entry;
  if (kind === 'directory') return entry.child === undefined ? fault('a directory has no child') : streamsFaultOf(entry);
  if (kind === 'link') return entry.linkTarget === undefined ? fault('a link has no target') : undefined;
  if (kind !== 'file' && kind !== 'stream') return undefined;
  if (size === undefined) return fault('a file has no size');
  let end = 0;
  for (const extent of extents ?? []) {
    if (extent.length < 1 || extent.offset < end) return fault('its extents do not ascend');
    end = extent.offset + extent.length;
  }
  if (end > size) return fault('its extents end beyond its size');
  return contentFault(content, dataLengthOf(entry)) ?? streamsFaultOf(entry);
}

function fault(cause: string): ContentFault {
  return { rule: 'entryContent', cause };
}

function streamsFaultOf(entry: Entry): ContentFault | undefined {
  for (const stream of entry.streams ?? []) {
    const found = contentFault(stream.content, stream.size);
    if (found !== undefined) return found;
  }
  return undefined;
}

function contentFault(content: FileContent | undefined, dataLength: number): ContentFault | undefined {
  if ((content === undefined) !== (dataLength === 0)) {
    return fault(content === undefined ? 'a file with data has no chunks' : 'a file without data has chunks');
  }
  if (content?.form === 'ids') {
    const count = content.ids.length / 32;
    if (!Number.isInteger(count) || count < 1 || count > maxDirectChunks || count > dataLength) return fault(`a file has ${count} chunks`);
  }
  if (content?.form === 'list') {
    if (content.level > maxListLevel) return { rule: 'listLevel', cause: `a list has level ${content.level}` };
    if (content.chunks <= maxDirectChunks || content.chunks > dataLength) return fault(`a list has ${content.chunks} chunks`);
  }
  return undefined;
}
