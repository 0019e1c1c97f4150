import { HoldfastError } from '../../../protocol/errors.ts';
import { secretBytes } from '../../keys/secretBytes.ts';
import { base64Length, decodeBase64, encodeBase64, isSpace } from './secretBase64.ts';

/** The lines around import data (docs/format.md, Import data). */
const firstLine = '-----BEGIN HOLDFAST IMPORT DATA-----';
const lastLine = '-----END HOLDFAST IMPORT DATA-----';
const lineLength = 64;

const first = unspaced(firstLine);
const last = unspaced(lastLine);
/** So many characters of a line may be others, and it is still taken for that line, altered. */
const closeEnough = 2;

export const importDataAction = 'read the import data';
export const copyAgain = 'Copy the whole text again, or export the policy anew with "holdfast policy export".';

/** The payload as text that survives mail and terminals; ASCII, ended by a line feed. It holds secrets, for the caller to wipe. */
export function armour(payload: Uint8Array): Buffer {
  const encoded = encodeBase64(payload);
  try {
    const lines = Math.ceil(encoded.length / lineLength);
    const text = Buffer.from(secretBytes(firstLine.length + 1 + encoded.length + lines + lastLine.length + 1).buffer);
    let at = text.write(`${firstLine}\n`, 'ascii');
    for (let start = 0; start < encoded.length; start += lineLength) {
      const line = encoded.subarray(start, start + lineLength);
      text.set(line, at);
      text[at + line.length] = 0x0a;
      at += line.length + 1;
    }
    text.write(`${lastLine}\n`, at, 'ascii');
    return text;
  } finally {
    encoded.fill(0);
  }
}

/** The payload, for the caller to wipe; white space counts nowhere. Throws `badValue`: `no`, `cut` or `altered` in `details.problem`. */
export function disarm(text: Uint8Array): Uint8Array<ArrayBuffer> {
  const bare = withoutSpace(text);
  try {
    const begins = startsWith(bare, first);
    const ends = endsWith(bare, last);
    if (begins && ends && bare.length >= first.length + last.length) {
      const payload = decodeBase64(bare.subarray(first.length, bare.length - last.length));
      if (payload === undefined) throw altered();
      return payload;
    }
    const isLastAltered = begins && differences(bare.subarray(-last.length), last) <= closeEnough;
    const isFirstAltered = ends && differences(bare.subarray(0, first.length), first) <= closeEnough;
    if (isLastAltered || isFirstAltered) throw altered();
    if (begins) throw cut('its end is missing');
    if (ends) throw cut('its beginning is missing');
    throw problem('no', `it does not begin with "${firstLine}"`, 'Give the text that "holdfast policy export" made.');
  } finally {
    bare.fill(0);
  }
}

export function altered(): HoldfastError {
  return problem('altered', 'it was altered: its checksum does not fit', copyAgain);
}

function cut(how: string): HoldfastError {
  return problem('cut', `it was cut: ${how}`, copyAgain);
}

function problem(kind: string, reason: string, fix: string): HoldfastError {
  return HoldfastError.failedTo('badValue', importDataAction, reason, { fix, details: { problem: kind } });
}

/** Bytes that the armour of a payload takes. */
export function armouredLength(payloadLength: number): number {
  const encoded = base64Length(payloadLength);
  return firstLine.length + 1 + encoded + Math.ceil(encoded / lineLength) + lastLine.length + 1;
}

function unspaced(line: string): Buffer {
  return Buffer.from(line.replaceAll(' ', ''), 'ascii');
}

function withoutSpace(text: Uint8Array): Uint8Array<ArrayBuffer> {
  const kept = secretBytes(text.length);
  let length = 0;
  for (const byte of text) {
    if (isSpace(byte)) continue;
    kept[length] = byte;
    length += 1;
  }
  return kept.subarray(0, length);
}

function startsWith(bytes: Uint8Array, wanted: Uint8Array): boolean {
  return bytes.length >= wanted.length && differences(bytes.subarray(0, wanted.length), wanted) === 0;
}

function endsWith(bytes: Uint8Array, wanted: Uint8Array): boolean {
  return bytes.length >= wanted.length && differences(bytes.subarray(-wanted.length), wanted) === 0;
}

/** At how many places two lines of one length differ; of other lengths everywhere. */
function differences(bytes: Uint8Array, wanted: Uint8Array): number {
  if (bytes.length !== wanted.length) return Number.POSITIVE_INFINITY;
  return wanted.reduce((sum, byte, index) => (bytes[index] === byte ? sum : sum + 1), 0);
}
