import { bufferOver, sameBytes } from './bytes.ts';
import {
  contentFaultOf,
  criticalTagsOf,
  entryKindOf,
  firstCriticalTag,
  tags,
  type Entry,
  type Extent,
  type FileContent,
  type FurtherStream,
} from './entry.ts';
import { nameFaultOf, shownName } from './entryName.ts';
import { refusal, type FormatRule } from './refusal.ts';

const nanosecondsPerSecond = 1_000_000_000n;
const repeating: readonly number[] = [tags.extendedAttribute, tags.accessList, tags.stream];

type Draft = { -readonly [Member in keyof Entry]: Entry[Member] };
type Listed<Member extends 'extendedAttributes' | 'accessLists' | 'streams'> = NonNullable<Entry[Member]>[number][];

/**
 * Decodes the record of one entry. `separator` is the byte that the entry's source separates names with.
 * Throws `damaged` (`entryName`, `entryKind`, `entryTlv`, `entryContent`) or `unsupportedFormat` (`entryCritical`): this entry is refused
 * and named, the others of its node are not touched.
 */
export function decodeEntry(record: Uint8Array, separator = 0x2f): Entry {
  return new EntryDecoder(bufferOver(record)).decode(separator);
}

class EntryDecoder {
  readonly #record: Buffer;
  readonly #attributes: Listed<'extendedAttributes'> = [];
  readonly #accessLists: Listed<'accessLists'> = [];
  readonly #streams: Listed<'streams'> = [];

  constructor(record: Buffer) {
    this.#record = record;
  }

  /** Made where it is needed alone: entries come by the million. */
  get #subject(): string {
    const record = this.#record;
    const name = record.length < 2 ? record : record.subarray(2, 2 + record.readUInt16LE(0));
    return `entry ${shownName(name.subarray(0, 300))}`;
  }

  decode(separator: number): Entry {
    const record = this.#record;
    const nameEnd = record.length < 2 ? 2 : 2 + record.readUInt16LE(0);
    if (record.length < nameEnd + 9) throw this.#refuse('entryTlv', 'it is cut');
    const name = record.subarray(2, nameEnd);
    const fault = nameFaultOf(name, separator);
    if (fault !== undefined) throw this.#refuse('entryName', fault);
    const kindNumber = record.readUInt8(nameEnd);
    const kind = entryKindOf(kindNumber);
    if (kind === undefined) throw refusal(this.#subject, 'entryKind', `its kind is ${kindNumber}`, 'unsupportedFormat');
    const mode = record.readUInt32LE(nameEnd + 1);
    if (mode > 0o7777) throw this.#refuse('entryContent', `its mode is ${mode}`);
    const start = nameEnd + 9;
    if (record.readUInt32LE(nameEnd + 5) !== record.length - start) throw this.#refuse('entryTlv', 'its length is not that of its records');
    const entry: Draft = { name, kind, mode };
    this.#readTlvs(entry, start);
    const contentFault = contentFaultOf(entry);
    if (contentFault !== undefined) throw this.#refuse(contentFault.rule, contentFault.cause);
    return entry;
  }

  #readTlvs(entry: Draft, start: number): void {
    const record = this.#record;
    let at = start;
    let lastTag = 0;
    let lastValue: Buffer | undefined;
    while (at < record.length) {
      if (at + 5 > record.length) throw this.#refuse('entryTlv', 'a record in it is cut');
      const tag = record.readUInt8(at);
      const end = at + 5 + record.readUInt32LE(at + 1);
      if (end > record.length) throw this.#refuse('entryTlv', 'a record in it is cut');
      const value = record.subarray(at + 5, end);
      const repeats = tag === lastTag && repeating.includes(tag) && lastValue !== undefined && lastValue.compare(value) < 0;
      if (tag <= lastTag && !repeats) throw this.#refuse('entryTlv', 'its records do not ascend');
      if (tag >= firstCriticalTag && !criticalTagsOf[entry.kind].includes(tag)) {
        throw refusal(this.#subject, 'entryCritical', `it needs a record 0x${tag.toString(16)} that is unknown here`, 'unsupportedFormat');
      }
      this.#take(entry, tag, value);
      lastTag = tag;
      lastValue = value;
      at = end;
    }
  }

  #take(entry: Draft, tag: number, value: Buffer): void {
    switch (tag) {
      case tags.mtime:
        entry.mtime = this.#time(value);
        break;
      case tags.birthTime:
        entry.birthTime = this.#time(value);
        break;
      case tags.owner:
        this.#demandLength(value, 8);
        entry.owner = { uid: value.readUInt32LE(0), gid: value.readUInt32LE(4) };
        break;
      case tags.ownerNames: {
        const nul = value.indexOf(0);
        if (nul < 0 || value.indexOf(0, nul + 1) >= 0) throw this.#refuse('entryTlv', 'its owner’s names are not two');
        entry.ownerNames = { user: value.subarray(0, nul), group: value.subarray(nul + 1) };
        break;
      }
      case tags.extendedAttribute: {
        const { name, rest } = this.#named(value);
        this.#demandOtherName(this.#attributes.at(-1)?.name, name);
        this.#attributes.push({ name, value: rest });
        entry.extendedAttributes = this.#attributes;
        break;
      }
      case tags.windowsAttributes:
        this.#demandLength(value, 4);
        entry.windowsAttributes = value.readUInt32LE(0);
        break;
      case tags.accessList: {
        const form = value[0];
        const isTwice = form === undefined || this.#accessLists.at(-1)?.form === form;
        if (isTwice) throw this.#refuse('entryTlv', 'two access lists have one form');
        this.#accessLists.push({ form, bytes: value.subarray(1) });
        entry.accessLists = this.#accessLists;
        break;
      }
      case tags.changedWhileRead:
        this.#demandLength(value, 0);
        entry.changedWhileRead = true;
        break;
      case tags.size:
        this.#demandLength(value, 8);
        entry.size = this.#long(value, 0);
        break;
      case tags.chunkIds:
      case tags.list:
        if (entry.content !== undefined) throw this.#refuse('entryContent', 'it has chunks and a list');
        entry.content = this.#content(value, tag === tags.list);
        break;
      case tags.linkTarget:
        if (value.length === 0 || value.includes(0)) throw this.#refuse('entryTlv', 'its target is empty or has a NUL');
        entry.linkTarget = value;
        break;
      case tags.child:
        this.#demandLength(value, 32);
        entry.child = value;
        break;
      case tags.hardLinkGroup:
        this.#demandLength(value, 8);
        entry.hardLinkGroup = value.readBigUInt64LE(0);
        break;
      case tags.device:
        this.#demandLength(value, 8);
        entry.device = { major: value.readUInt32LE(0), minor: value.readUInt32LE(4) };
        break;
      case tags.extents:
        entry.extents = this.#extents(value);
        break;
      case tags.stream: {
        const stream = this.#stream(value);
        this.#demandOtherName(this.#streams.at(-1)?.name, stream.name);
        this.#streams.push(stream);
        entry.streams = this.#streams;
        break;
      }
      default:
        break;
    }
  }

  #time(value: Buffer): bigint {
    this.#demandLength(value, 12);
    const nanoseconds = value.readUInt32LE(8);
    if (nanoseconds >= 1_000_000_000) throw this.#refuse('entryTlv', 'a time in it has too many nanoseconds');
    return value.readBigInt64LE(0) * nanosecondsPerSecond + BigInt(nanoseconds);
  }

  #content(value: Buffer, isList: boolean): FileContent {
    if (isList) {
      this.#demandLength(value, 41);
      return { form: 'list', id: value.subarray(0, 32), level: value.readUInt8(32), chunks: this.#long(value, 33) };
    }
    if (value.length === 0 || value.length % 32 !== 0) throw this.#refuse('entryTlv', 'its chunk ids are cut');
    return { form: 'ids', ids: value };
  }

  #extents(value: Buffer): Extent[] {
    if (value.length % 16 !== 0) throw this.#refuse('entryTlv', 'its extents are cut');
    const extents: Extent[] = [];
    for (let at = 0; at < value.length; at += 16) {
      const extent = { offset: this.#long(value, at), length: this.#long(value, at + 8) };
      if (!Number.isSafeInteger(extent.offset + extent.length)) throw this.#tooLarge();
      extents.push(extent);
    }
    return extents;
  }

  #stream(value: Buffer): FurtherStream {
    const { name, rest } = this.#named(value);
    if (rest.length < 9) throw this.#refuse('entryTlv', 'a further stream is cut');
    const form = rest.readUInt8(8);
    if (form > 1) throw refusal(this.#subject, 'entryCritical', `a further stream has form ${form}`, 'unsupportedFormat');
    const ids = rest.subarray(9);
    const content = ids.length === 0 && form === 0 ? undefined : this.#content(ids, form === 1);
    return { name, size: this.#long(rest, 0), content };
  }

  #named(value: Buffer): { readonly name: Buffer; readonly rest: Buffer } {
    const end = value.length < 2 ? 2 : 2 + value.readUInt16LE(0);
    if (value.length < end) throw this.#refuse('entryTlv', 'a named record is cut');
    return { name: value.subarray(2, end), rest: value.subarray(end) };
  }

  /** Values ascend and begin with their names, so that two of one name stand side by side. */
  #demandOtherName(before: Uint8Array | undefined, name: Uint8Array): void {
    if (before !== undefined && sameBytes(before, name)) throw this.#refuse('entryTlv', 'two records have one name');
  }

  #long(value: Buffer, at: number): number {
    const long = value.readBigUInt64LE(at);
    if (long >= 2n ** 63n) throw this.#refuse('entryContent', 'a length in it is above 2^63 - 1');
    if (long > BigInt(Number.MAX_SAFE_INTEGER)) throw this.#tooLarge();
    return Number(long);
  }

  #demandLength(value: Buffer, length: number): void {
    if (value.length !== length) throw this.#refuse('entryTlv', `a record in it has ${value.length} of ${length} bytes`);
  }

  #tooLarge(): Error {
    return refusal(
      this.#subject,
      'entryContent',
      'a length in it is above 2^53 - 1, the most that this program handles',
      'unsupportedFormat',
    );
  }

  #refuse(rule: FormatRule, cause: string): Error {
    return refusal(this.#subject, rule, cause);
  }
}
