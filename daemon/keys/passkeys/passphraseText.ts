import { HoldfastError } from '../../../protocol/errors.ts';
import { secretBytes, secretCopy, wipe } from '../secretBytes.ts';

const longestPassphrase = 1024;
// Normalising can shorten a text to a third; more than this is refused before it is decoded.
const longestTyped = 4 * longestPassphrase;

/**
 * The bytes that scrypt gets: UTF-8 of NFC, 1..1024 bytes, nothing trimmed or folded (docs/format.md, Kind passphrase). In room of its own,
 * for the caller to wipe. `undefined` where the form is wrong, which a reader treats as any other wrong passphrase.
 */
export function normalizePassphrase(typed: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (typed.length === 0 || typed.length > longestTyped) return undefined;
  const normalized = isAscii(typed) ? secretCopy(typed) : normalizeText(typed);
  if (normalized === undefined || normalized.length <= longestPassphrase) return normalized;
  wipe(normalized);
  return undefined;
}

/** What is wrong with a passphrase that is to be set, as the cause of a sentence; `undefined` where it is good. Looks at normalised bytes. */
function complaintAboutNewPassphrase(normalized: Uint8Array): string | undefined {
  const characters = isAscii(normalized) ? Array.from(normalized, (byte) => String.fromCharCode(byte)) : Array.from(decode(normalized));
  if (characters.some((character) => /[\p{Cc}\p{Cn}]/u.test(character))) return 'it holds control characters or unassigned ones';
  if (isSpace(characters[0]) || isSpace(characters.at(-1))) return 'it begins or ends with a space';
  return undefined;
}

/** The normalised bytes of a passphrase that may be set, for the caller to wipe. Throws `HoldfastError('badValue')`. */
export function acceptNewPassphrase(typed: Uint8Array): Uint8Array<ArrayBuffer> {
  const normalized = normalizePassphrase(typed);
  if (normalized === undefined) throw refusal(`it must be UTF-8 text of 1 to ${longestPassphrase} bytes`);
  const complaint = complaintAboutNewPassphrase(normalized);
  if (complaint === undefined) return normalized;
  wipe(normalized);
  throw refusal(complaint);
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && /\s/u.test(character);
}

function refusal(cause: string): HoldfastError {
  return new HoldfastError('badValue', `Failed to set the passphrase: ${cause}.`, {
    fix: 'Choose another passphrase, or let one be generated.',
  });
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

/** ASCII is in NFC as it is and takes another way, because a string cannot be wiped. */
function normalizeText(typed: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  let text: string;
  try {
    text = decode(typed).normalize('NFC');
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
  const bytes = secretBytes(Buffer.byteLength(text, 'utf8'));
  new TextEncoder().encodeInto(text, bytes);
  return bytes;
}

/** UTF-8 has no lone surrogates: bytes that spell one are no UTF-8. Throws `TypeError`. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
