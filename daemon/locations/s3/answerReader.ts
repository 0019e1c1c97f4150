import type { DealtParts } from '../objectParts.ts';

/** Status and headers of an answer; names in lower case, values of one name joined as RFC 9110, section 5.3, has it. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the body, where the answer says it beforehand. */
  readonly length: number | undefined;
}

/** Gives the memory that the body of an object fills, or its parts, as long as `head.length`; what it throws ends the reading. */
export type PlaceFor = (head: AnswerHead) => Uint8Array | DealtParts;

/** Of a body, is taken from pieces. */
const lastLength = 65_536;
const longestHead = 65_536;
/** Of a body that says what went wrong. */
const longestText = 1 << 20;
const headEnd = '\r\n\r\n';
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

/**
 * Reads the answer to one GET (RFC 9112) from pieces that are gone when `take` returns. An object's body (200, 206) goes where `place` says and nowhere else;
 * it has to say its length. Any other body is collected. Throws an error named `BadAnswer` where the pieces are no answer.
 */
export class AnswerReader {
  readonly #place: PlaceFor;
  #pending: Buffer = Buffer.alloc(0);
  #head: AnswerHead | undefined;
  /** Where the body goes, as far as its length is known. */
  #body: Uint8Array | undefined;
  /** In its place where the body is an object's that is dealt out. */
  #parts: DealtParts | undefined;
  /** Of an object's body. */
  #length = 0;
  #filled = 0;
  #isComplete = false;
  #isReusable = false;

  constructor(place: PlaceFor) {
    this.#place = place;
  }

  get isComplete(): boolean {
    return this.#isComplete && this.wait === undefined;
  }

  /** Nothing is to be read until it settles: memory for what comes is not there yet. Rejects where there will be none. */
  get wait(): Promise<void> | undefined {
    return this.#parts?.wait;
  }

  /** Whether the connection is at the beginning of the next answer. */
  get isReusable(): boolean {
    return this.#isReusable;
  }

  /** Throws where the answer is not complete. An object's body is where `place` said. */
  get answer(): { readonly head: AnswerHead; readonly text: Uint8Array } {
    if (this.#head === undefined || !this.isComplete) throw malformed('the answer is not complete');
    return { head: this.#head, text: isObject(this.#head) ? new Uint8Array(0) : (this.#body ?? this.#pending) };
  }

  /** Where the next bytes of the body belong, as far as they are not its last: behind those something may come that is none of it. */
  get room(): Uint8Array | undefined {
    if (this.#head === undefined || !isObject(this.#head)) return undefined;
    const end = this.#length - lastLength;
    if (this.#filled >= end) return undefined;
    return this.#parts === undefined ? this.#body?.subarray(this.#filled, end) : this.#parts.room(end - this.#filled);
  }

  /** So many bytes were put where `room` said. */
  filled(length: number): void {
    this.#filled += length;
    this.#parts?.took(length);
  }

  take(bytes: Buffer): void {
    const rest = this.#head === undefined ? this.#takeHead(bytes) : bytes;
    if (rest === undefined) return;
    if (this.#isComplete || this.#head === undefined) this.#isReusable &&= rest.length === 0;
    else if (this.#parts !== undefined || this.#body !== undefined) this.#fill(rest);
    else this.#collect(this.#head, rest);
  }

  /** The connection was closed: the end of a body that says no length. Otherwise the answer stays as it is. */
  end(): void {
    const { headers } = this.#head ?? {};
    if (headers !== undefined && this.#body === undefined && headers['transfer-encoding'] === undefined) this.#isComplete = true;
  }

  /** The bytes behind the head, as soon as it is there. */
  #takeHead(bytes: Buffer): Buffer | undefined {
    let rest = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    for (;;) {
      const end = rest.indexOf(headEnd);
      if (end < 0 && rest.length <= longestHead) {
        this.#pending = Buffer.from(rest);
        return undefined;
      }
      if (end < 0 || end > longestHead) throw malformed('its head is too long');
      const { head, isKept } = headOf(rest.toString('latin1', 0, end));
      rest = rest.subarray(end + headEnd.length);
      // What comes before the answer itself: RFC 9110, section 15.2.
      if (head.status < 200) continue;
      this.#pending = Buffer.alloc(0);
      this.#begin(head, isKept);
      return rest;
    }
  }

  #begin(head: AnswerHead, isKept: boolean): void {
    this.#head = head;
    const { status, length } = head;
    if (isObject(head)) {
      const place = this.#place(head);
      if (place.length !== length) throw new RangeError('The place for a body has another length.');
      if (place instanceof Uint8Array) this.#body = place;
      else this.#parts = place;
    } else if (status === 204 || status === 304) {
      this.#body = new Uint8Array(0);
    } else if (length !== undefined) {
      if (length > longestText) throw malformed('what it says is too long');
      this.#body = new Uint8Array(length);
    }
    this.#length = length ?? 0;
    this.#isReusable = isKept;
    this.#isComplete = this.#body?.length === 0;
  }

  #fill(bytes: Buffer): void {
    const taken = Math.min(bytes.length, this.#length - this.#filled);
    const part = taken === bytes.length ? bytes : bytes.subarray(0, taken);
    if (this.#parts === undefined) this.#body?.set(part, this.#filled);
    else this.#parts.write(part);
    this.#filled += taken;
    this.#isComplete = this.#filled === this.#length;
    // More than was announced belongs to no answer.
    if (taken < bytes.length) this.#isReusable = false;
  }

  #collect({ headers }: AnswerHead, bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    if (this.#pending.length > longestText) throw malformed('what it says is too long');
    if (headers['transfer-encoding'] === undefined) {
      this.#isReusable = false;
      return;
    }
    const found = withoutChunks(this.#pending);
    if (found === undefined) return;
    this.#isReusable &&= found.end === this.#pending.length;
    this.#body = found.body;
    this.#isComplete = true;
  }
}

function isObject({ status }: AnswerHead): boolean {
  return status === 200 || status === 206;
}

function headOf(text: string): { readonly head: AnswerHead; readonly isKept: boolean } {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first) ?? [];
  if (status === undefined) throw malformed('it is no HTTP/1.1');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = headerLine.exec(line) ?? [];
    if (name === undefined || value === undefined) throw malformed('one of its headers is none');
    const lower = name.toLowerCase();
    const known = headers.get(lower);
    if (lower === 'content-length' && known !== undefined && known !== value) throw malformed('it has two lengths');
    headers.set(lower, known === undefined || lower === 'content-length' ? value : `${known}, ${value}`);
  }
  const length = headers.get('content-length');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw malformed('its length is none');
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') throw malformed('its coding is not known');
  const isClosed = (headers.get('connection') ?? '')
    .toLowerCase()
    .split(/\s*,\s*/)
    .includes('close');
  return {
    // With both, the length is not to be believed: RFC 9112, section 6.3.
    head: {
      status: Number(status),
      headers: Object.fromEntries(headers),
      length: coding === undefined && length !== undefined ? Number(length) : undefined,
    },
    isKept: minor === '1' && !isClosed && (coding === undefined || length === undefined),
  };
}

/** A body in chunks (RFC 9112, section 7.1) put together, and where it ends; `undefined` where more is to come. */
export function withoutChunks(bytes: Buffer): { readonly body: Buffer; readonly end: number } | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const [, size] = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/.exec(bytes.toString('latin1', at, lineEnd)) ?? [];
    if (size === undefined) throw malformed('a chunk of it has no length');
    const length = Number.parseInt(size, 16);
    if (length === 0) {
      // Lines may follow, and an empty one ends it.
      const end = bytes.indexOf(headEnd, lineEnd);
      return end < 0 ? undefined : { body: Buffer.concat(parts), end: end + headEnd.length };
    }
    const start = lineEnd + 2;
    if (bytes.length < start + length + 2) return undefined;
    if (bytes.toString('latin1', start + length, start + length + 2) !== '\r\n') throw malformed('a chunk of it has another length');
    parts.push(bytes.subarray(start, start + length));
    at = start + length + 2;
  }
}

/** Named as the SDK's errors are, so that it is taken for a fault that passes. */
function malformed(reason: string): Error {
  return Object.assign(new Error(`Failed to read an answer: ${reason}.`), { name: 'BadAnswer' });
}
