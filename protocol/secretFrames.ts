import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { HoldfastError } from './errors.ts';
import type { SecretRef } from './method.ts';

/** First byte of every binary frame after the proof. */
export const secretFrameKind = 0x01;

/** What a passphrase, a token or a credentials file may have at most. */
export const secretBytesLimit: number = 64 * 1024;

const headerBytes = 5;
const tagBytes = 16;

/**
 * Seals secrets for one session: u8 0x01 ‖ u32 secretId ‖ AES-256-GCM(key, nonce = 8 zero bytes ‖ u32 secretId, AAD = the first five bytes), big-endian.
 * The id is the frame's number in the session, so a nonce never comes twice under the session's key.
 */
export class SecretFrameSealer {
  readonly #key: KeyObject;
  #next = 0;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** The frame to send before the request that names it. The secret's own bytes stay the caller's to overwrite. */
  seal(secret: Uint8Array): { readonly ref: SecretRef; readonly frame: Buffer } {
    if (secret.length > secretBytesLimit) {
      throw new HoldfastError(
        'badValue',
        `Failed to send a secret: it has ${secret.length} bytes, more than the ${secretBytesLimit} allowed.`,
      );
    }
    const secretId = this.#next;
    this.#next += 1;
    const header = headerOf(secretId);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(secretId), { authTagLength: tagBytes });
    cipher.setAAD(header);
    const frame = Buffer.concat([header, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
    return { ref: { secretId }, frame };
  }
}

/** Opens the frames of a `SecretFrameSealer`, each once and in order. */
export class SecretFrameOpener {
  readonly #key: KeyObject;
  #next = 0;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** The secret, in a buffer of its own that the caller overwrites. `undefined`: out of order, repeated, forged or too long; the session is then over. */
  open(frame: Uint8Array): { readonly secretId: number; readonly secret: Buffer } | undefined {
    if (frame.length < headerBytes + tagBytes || frame.length > headerBytes + secretBytesLimit + tagBytes) return undefined;
    const header = headerOf(this.#next);
    if (!header.equals(frame.subarray(0, headerBytes))) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonceOf(this.#next), { authTagLength: tagBytes });
    decipher.setAAD(header);
    decipher.setAuthTag(frame.subarray(frame.length - tagBytes));
    const secret = decipher.update(frame.subarray(headerBytes, frame.length - tagBytes));
    try {
      decipher.final();
    } catch {
      secret.fill(0);
      return undefined;
    }
    const secretId = this.#next;
    this.#next += 1;
    return { secretId, secret };
  }
}

/**
 * Seals a secret with which the daemon answers; it goes out as the only content of a stream. AES-256-GCM(answerKey, nonce = 8 zero bytes ‖ u32 streamId, no AAD),
 * big-endian; answerKey = HKDF-SHA-256(secret frames' key, no salt, "holdfast.v1 secret answer", 32). A stream's id never comes twice in a session.
 */
export function sealAnswer(secretKey: KeyObject, streamId: number, secret: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', answerKey(secretKey), nonceOf(streamId), { authTagLength: tagBytes });
  return Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

/** The secret, in a buffer of its own that the caller overwrites; `undefined` where it was not sealed for this stream of this session. */
export function openAnswer(secretKey: KeyObject, streamId: number, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < tagBytes || sealed.length > secretBytesLimit + tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', answerKey(secretKey), nonceOf(streamId), { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const secret = decipher.update(sealed.subarray(0, -tagBytes));
  try {
    decipher.final();
    return secret;
  } catch {
    secret.fill(0);
    return undefined;
  }
}

function answerKey(secretKey: KeyObject): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', secretKey, Buffer.alloc(0), 'holdfast.v1 secret answer', 32));
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

function headerOf(secretId: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header[0] = secretFrameKind;
  header.writeUInt32BE(secretId, 1);
  return header;
}

function nonceOf(secretId: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(secretId, 8);
  return nonce;
}
