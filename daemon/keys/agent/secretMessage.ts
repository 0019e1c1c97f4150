import { secretBytes, wipe } from '../secretBytes.ts';

/** More than any call or answer needs. */
export const longestMessage: number = 64 * 1024;

const lengthBytes = 4;

/** A message between the daemon and a key agent: JSON, and secrets that never become text. */
export interface SecretMessage {
  readonly json: unknown;
  /** For the reader to wipe. */
  readonly secrets: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
}

/** `u32 length ‖ {"body": …, "secrets": {name: length}} ‖ secrets in that order`. The bytes hold the secrets: the caller wipes them. */
export function encodeSecretMessage(json: unknown, secrets: Readonly<Record<string, Uint8Array | undefined>>): Uint8Array<ArrayBuffer> {
  const parts = Object.entries(secrets).flatMap(([name, bytes]) => (bytes === undefined ? [] : [{ name, bytes }]));
  const head = Buffer.from(
    JSON.stringify({ body: json, secrets: Object.fromEntries(parts.map(({ name, bytes }) => [name, bytes.length])) }),
  );
  const message = secretBytes(lengthBytes + head.length + parts.reduce((sum, { bytes }) => sum + bytes.length, 0));
  new DataView(message.buffer).setUint32(0, head.length, true);
  message.set(head, lengthBytes);
  let at = lengthBytes + head.length;
  for (const { bytes } of parts) {
    message.set(bytes, at);
    at += bytes.length;
  }
  return message;
}

/** Throws `RangeError` for what `encodeSecretMessage` did not make. The bytes stay the caller's to wipe. */
export function decodeSecretMessage(message: Uint8Array): SecretMessage {
  if (message.length < lengthBytes || message.length > longestMessage) throw new RangeError(`a message of ${message.length} bytes`);
  const headLength = new DataView(message.buffer, message.byteOffset).getUint32(0, true);
  let at = lengthBytes + headLength;
  if (at > message.length) throw new RangeError('a message that is cut off');
  const head: unknown = JSON.parse(Buffer.from(message.subarray(lengthBytes, at)).toString('utf8'));
  if (typeof head !== 'object' || head === null || !('body' in head) || !('secrets' in head))
    throw new RangeError('a message without a body');
  if (typeof head.secrets !== 'object' || head.secrets === null) throw new RangeError('a message without its secrets');
  const secrets: Record<string, Uint8Array<ArrayBuffer>> = {};
  try {
    for (const [name, length] of Object.entries(head.secrets)) {
      if (!Number.isInteger(length) || length < 0 || at + length > message.length) throw new RangeError('a secret that is cut off');
      secrets[name] = secretBytes(length);
      secrets[name].set(message.subarray(at, at + length));
      at += length;
    }
    if (at !== message.length) throw new RangeError('a message with more behind it');
    return { json: head.body, secrets };
  } catch (error) {
    wipe(...Object.values(secrets));
    throw error;
  }
}
