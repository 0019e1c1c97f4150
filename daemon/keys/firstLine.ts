import { secretBytes, secretCopy, WipedBytes, wipe } from './secretBytes.ts';

/** No passphrase is longer than 1,024 bytes; whatever writes more than this holds something else. */
export const secretBytesMost: number = 64 * 1024;

const newline = 0x0a;
const carriageReturn = 0x0d;

/** The first line of bytes without its end, as a copy for the caller to dispose of; the bytes stay the caller's to wipe. */
export function firstLine(bytes: Uint8Array): WipedBytes {
  const at = bytes.indexOf(newline);
  const line = bytes.subarray(0, at === -1 ? bytes.length : at);
  return new WipedBytes(secretCopy(line.at(-1) === carriageReturn ? line.subarray(0, -1) : line));
}

/** Collects what comes in pieces, each of which is overwritten once it is taken, up to `secretBytesMost`. */
export class SecretCollector implements Disposable {
  readonly #bytes: Uint8Array<ArrayBuffer> = secretBytes(secretBytesMost);
  #length = 0;

  take(piece: Uint8Array): undefined {
    const fits = piece.subarray(0, secretBytesMost - this.#length);
    this.#bytes.set(fits, this.#length);
    this.#length += fits.length;
    wipe(piece);
  }

  firstLine(): WipedBytes {
    return firstLine(this.#bytes.subarray(0, this.#length));
  }

  [Symbol.dispose](): void {
    wipe(this.#bytes);
  }
}
