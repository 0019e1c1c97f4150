import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { HoldfastError } from '../../../protocol/errors.ts';

/** The largest object of the format: docs/format.md, One container. */
export const largestObject: number = 4 * 1024 ** 3 + 65_536;

/** Which bytes of which object an answer says it brings. */
export interface BodyFacts {
  readonly offset: number;
  readonly length: number;
  /** Of the whole object. */
  readonly size: number;
}

export interface AskedRange {
  readonly offset: number;
  /** Without an end where left out. */
  readonly length?: number;
}

/** What an answer says of its body. */
export interface AnsweredRange {
  readonly ContentLength?: number | undefined;
  readonly ContentRange?: string | undefined;
}

/** Where the body of one answer goes: `into`, or memory of its own. */
export class BodyPlace {
  readonly #action: string;
  readonly #asked: AskedRange | undefined;
  readonly #into: Uint8Array | undefined;
  #taken: { readonly body: Uint8Array; readonly size: number } | undefined;

  constructor(action: string, asked: AskedRange | undefined, into: Uint8Array | undefined) {
    this.#action = action;
    this.#asked = asked;
    this.#into = into;
  }

  /** Memory of the body's length, and the object's size. Throws `storeFailed` where the answer is another than was asked for, `badValue` where `into` is too short. */
  take(answer: AnsweredRange): { readonly body: Uint8Array; readonly size: number } {
    const { length, size } = bodyFacts(this.#action, this.#asked, answer);
    const into = this.#into;
    if (into !== undefined && into.length < length) {
      throw new HoldfastError('badValue', `Failed to ${this.#action}: the buffer holds ${into.length} of ${length} bytes.`);
    }
    this.#taken = { body: (into ?? new Uint8Array(length)).subarray(0, length), size };
    return this.#taken;
  }

  /** What `take` gave. */
  get taken(): { readonly body: Uint8Array; readonly size: number } {
    if (this.#taken === undefined) throw otherBytes(this.#action, 'the answer has no body');
    return this.#taken;
  }
}

/** The answer's facts, as far as its headers are what was asked for; throws `storeFailed`. */
export function bodyFacts(action: string, asked: AskedRange | undefined, answer: AnsweredRange): BodyFacts {
  const length = answer.ContentLength;
  if (length === undefined || !Number.isSafeInteger(length) || length < 0) throw otherBytes(action, 'the answer does not say its length');
  if (asked === undefined) {
    if (answer.ContentRange !== undefined) throw otherBytes(action, 'a part came where the whole was asked for');
    return checked(action, { offset: 0, length, size: length });
  }
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(answer.ContentRange ?? '') ?? [];
  if (first === undefined || last === undefined || total === undefined)
    throw otherBytes(action, 'the answer does not say which part it is');
  const size = Number(total);
  const end = Math.min(asked.length === undefined ? size : asked.offset + asked.length, size);
  if (Number(first) !== asked.offset || Number(last) !== end - 1 || length !== end - asked.offset) {
    throw otherBytes(action, 'another part came than was asked for');
  }
  return checked(action, { offset: asked.offset, length, size });
}

/** Fills `into` to its end from a body; throws `storeFailed` where it has more or fewer bytes. Whoever reads no further closes the body. */
export async function readBody(action: string, body: unknown, into: Uint8Array): Promise<void> {
  if (!(body instanceof Readable)) throw otherBytes(action, 'the answer has no body');
  let done = 0;
  // By events: a third less work than by iteration, and nothing here makes the stream wait.
  body.on('data', (chunk: Uint8Array) => {
    if (done + chunk.length > into.length) {
      body.destroy(otherBytes(action, 'more bytes came than the answer announced'));
      return;
    }
    into.set(chunk, done);
    done += chunk.length;
  });
  await finished(body);
  if (done < into.length) throw otherBytes(action, 'fewer bytes came than the answer announced');
}

const sliceLength = 1 << 17;

/**
 * The body in slices, which are no copies, each made when the one before is on its way: TLS holds what it was given once more until it is sent, and would hold
 * all of it; and how far it has come is seen slice by slice. To be made anew for each attempt.
 */
export class SlicedBody extends Readable {
  readonly #body: Uint8Array;
  #given = 0;
  #taken = 0;

  constructor(body: Uint8Array) {
    super({ highWaterMark: 0 });
    this.#body = body;
  }

  /** Bytes of slices that are on their way. */
  get taken(): number {
    return this.#taken;
  }

  override _read(): void {
    this.#taken = this.#given;
    const slice = this.#body.subarray(this.#given, this.#given + sliceLength);
    this.#given += slice.length;
    this.push(slice.length === 0 ? null : Buffer.from(slice.buffer, slice.byteOffset, slice.length));
  }
}

function checked(action: string, facts: BodyFacts): BodyFacts {
  if (facts.length > largestObject) throw otherBytes(action, 'it is larger than any object of this program');
  return facts;
}

function otherBytes(action: string, reason: string): HoldfastError {
  return HoldfastError.failedTo('storeFailed', action, reason, {
    fix: 'Try again; where it stays so, something between this machine and the store changes the answers.',
  });
}
