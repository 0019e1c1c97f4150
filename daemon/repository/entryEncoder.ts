import { contentFaultOf, criticalTagsOf, entryKinds, tags, type Entry, type Extent, type FileContent } from './entry.ts';
import { nameFaultOf } from './entryName.ts';
import { GrowableBytes } from './growableBytes.ts';

export const nodeHeaderLength = 12;
/** Bytes of a node of a tree or a list, header included. */
export const maxNodeLength: number = 1024 * 1024;
/** Bytes of an entry, so that it fits into a node by itself. */
export const maxEntryLength: number = maxNodeLength - nodeHeaderLength;

const nanosecondsPerSecond = 1_000_000_000n;

/** The record of one entry as it lies in a node. Throws `RangeError` for whatever a reader would refuse; the caller names it in warnings. */
export function encodeEntry(entry: Entry): Buffer {
  const fault = nameFaultOf(entry.name) ?? contentFaultOf(entry)?.cause;
  if (fault !== undefined) throw new RangeError(fault);
  if (entry.name.length > 65_535) throw new RangeError('a name is too long');
  if ((entry.mode & 0o7777) !== entry.mode) throw new RangeError(`mode ${entry.mode}`);
  const out = new GrowableBytes(entry.name.length + 192 + (entry.content?.form === 'ids' ? entry.content.ids.length : 0));
  const tlvs = startRecord(out, entry);
  const writer = new TlvWriter(out, criticalTagsOf[entry.kind]);
  writeCommon(writer, entry);
  writeCritical(writer, entry);
  const record = out.bytes();
  record.writeUInt32LE(record.length - tlvs, tlvs - 4);
  if (record.length > maxEntryLength) throw new RangeError(`the entry has ${record.length} bytes`);
  return record;
}

/** Writes all but the TLVs, and returns where they begin. */
function startRecord(out: GrowableBytes, entry: Entry): number {
  const { name } = entry;
  const at = out.grow(2 + name.length + 9);
  out.buffer.writeUInt16LE(name.length, at);
  out.buffer.set(name, at + 2);
  const after = at + 2 + name.length;
  out.buffer.writeUInt8(entryKinds[entry.kind], after);
  out.buffer.writeUInt32LE(entry.mode, after + 1);
  return after + 9;
}

function writeCommon(writer: TlvWriter, entry: Entry): void {
  if (entry.mtime !== undefined) writer.time(tags.mtime, entry.mtime);
  if (entry.birthTime !== undefined) writer.time(tags.birthTime, entry.birthTime);
  if (entry.owner !== undefined) writer.words(tags.owner, entry.owner.uid, entry.owner.gid);
  if (entry.ownerNames !== undefined) {
    const { user, group } = entry.ownerNames;
    if (user.includes(0) || group.includes(0)) throw new RangeError('a NUL in the name of a user or group');
    writer.bytes(tags.ownerNames, Buffer.concat([user, Buffer.of(0), group]));
  }
  writer.repeated(
    tags.extendedAttribute,
    (entry.extendedAttributes ?? []).map(({ name, value }) => Buffer.concat([named(name), value])),
  );
  if (entry.windowsAttributes !== undefined) writer.words(tags.windowsAttributes, entry.windowsAttributes);
  writer.repeated(
    tags.accessList,
    (entry.accessLists ?? []).map(({ form, bytes }) => Buffer.concat([Buffer.of(form), bytes])),
  );
  if (entry.changedWhileRead === true) writer.bytes(tags.changedWhileRead, new Uint8Array(0));
}

function writeCritical(writer: TlvWriter, entry: Entry): void {
  const { content, extents, device } = entry;
  if (entry.size !== undefined) writer.long(tags.size, entry.size);
  if (content !== undefined) writer.bytes(content.form === 'ids' ? tags.chunkIds : tags.list, contentBytes(content));
  if (entry.linkTarget !== undefined) {
    if (entry.linkTarget.length === 0 || entry.linkTarget.includes(0)) throw new RangeError('a link target is empty or has a NUL');
    writer.bytes(tags.linkTarget, entry.linkTarget);
  }
  if (entry.child !== undefined) writer.bytes(tags.child, entry.child);
  if (entry.hardLinkGroup !== undefined) writer.long(tags.hardLinkGroup, entry.hardLinkGroup);
  if (device !== undefined) writer.words(tags.device, device.major, device.minor);
  if (extents !== undefined) writer.bytes(tags.extents, extentBytes(extents));
  writer.repeated(
    tags.stream,
    (entry.streams ?? []).map((stream) => {
      const head = Buffer.alloc(9);
      head.writeBigUInt64LE(BigInt(stream.size));
      head.writeUInt8(stream.content?.form === 'list' ? 1 : 0, 8);
      return Buffer.concat([named(stream.name), head, stream.content === undefined ? new Uint8Array(0) : contentBytes(stream.content)]);
    }),
  );
}

function extentBytes(extents: readonly Extent[]): Buffer {
  const value = Buffer.allocUnsafe(extents.length * 16);
  let at = 0;
  for (const { offset, length } of extents) {
    at = value.writeBigUInt64LE(BigInt(offset), at);
    at = value.writeBigUInt64LE(BigInt(length), at);
  }
  return value;
}

function contentBytes(content: FileContent): Uint8Array {
  if (content.form === 'ids') return content.ids;
  const value = Buffer.alloc(41);
  value.set(content.id);
  value.writeUInt8(content.level, 32);
  value.writeBigUInt64LE(BigInt(content.chunks), 33);
  return value;
}

function named(name: Uint8Array): Buffer {
  const bytes = Buffer.alloc(2 + name.length);
  bytes.writeUInt16LE(name.length);
  bytes.set(name, 2);
  return bytes;
}

class TlvWriter {
  readonly #out: GrowableBytes;
  readonly #critical: readonly number[];

  constructor(out: GrowableBytes, critical: readonly number[]) {
    this.#out = out;
    this.#critical = critical;
  }

  bytes(tag: number, value: Uint8Array): void {
    const at = this.#start(tag, value.length);
    this.#out.buffer.set(value, at);
  }

  /** By ascending value, as readers demand; throws where two are of one name. */
  repeated(tag: number, values: readonly Buffer[]): void {
    let before: Buffer | undefined;
    for (const value of values.toSorted((a, b) => a.compare(b))) {
      const keyLength = tag === tags.accessList ? 1 : 2 + value.readUInt16LE(0);
      if (before?.subarray(0, keyLength).equals(value.subarray(0, keyLength)) === true) throw new RangeError('two records have one name');
      this.bytes(tag, value);
      before = value;
    }
  }

  words(tag: number, ...values: readonly number[]): void {
    let at = this.#start(tag, values.length * 4);
    for (const value of values) at = this.#out.buffer.writeUInt32LE(value, at);
  }

  long(tag: number, value: number | bigint): void {
    const at = this.#start(tag, 8);
    this.#out.buffer.writeBigUInt64LE(BigInt(value), at);
  }

  /** i64 seconds (floor), u32 nanoseconds. */
  time(tag: number, nanoseconds: bigint): void {
    const rest = ((nanoseconds % nanosecondsPerSecond) + nanosecondsPerSecond) % nanosecondsPerSecond;
    const at = this.#start(tag, 12);
    this.#out.buffer.writeBigInt64LE((nanoseconds - rest) / nanosecondsPerSecond, at);
    this.#out.buffer.writeUInt32LE(Number(rest), at + 8);
  }

  #start(tag: number, length: number): number {
    if (tag > 0x7f && !this.#critical.includes(tag)) throw new RangeError(`tag ${tag.toString(16)} does not belong to the kind`);
    const at = this.#out.grow(5 + length);
    this.#out.buffer.writeUInt8(tag, at);
    this.#out.buffer.writeUInt32LE(length, at + 1);
    return at + 5;
  }
}
