import { HoldfastError } from '../../protocol/errors.ts';

/** More than any passphrase has (1,024 bytes), so that a pasted file does not fill memory. */
const bytesMost = 4096;

const keys = {
  endOfText: 0x03,
  endOfInput: 0x04,
  backspace: 0x08,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  clearLine: 0x15,
  escape: 0x1b,
  deleteKey: 0x7f,
} as const;

/** What was typed so far, byte by byte; no string ever holds it. */
export class SecretLine {
  readonly #bytes = Buffer.alloc(bytesMost);
  #length = 0;

  /** `done` at Enter, `cancelled` at Ctrl-C or at Ctrl-D on an empty line. */
  take(byte: number): 'more' | 'done' | 'cancelled' {
    switch (byte) {
      case keys.endOfText:
        return 'cancelled';
      case keys.endOfInput:
        return this.#length === 0 ? 'cancelled' : 'done';
      case keys.lineFeed:
      case keys.carriageReturn:
        return 'done';
      case keys.backspace:
      case keys.deleteKey:
        this.#dropCharacter();
        return 'more';
      case keys.clearLine:
        this.wipe();
        return 'more';
      default:
        if (byte >= 0x20 && this.#length < bytesMost) {
          this.#bytes[this.#length] = byte;
          this.#length += 1;
        }
        return 'more';
    }
  }

  /** A copy that the caller owns. */
  bytes(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }

  #dropCharacter(): void {
    // A character of UTF-8 is a first byte and its continuations (10xxxxxx).
    while (this.#length > 0) {
      this.#length -= 1;
      const byte = this.#bytes[this.#length] ?? 0;
      this.#bytes[this.#length] = 0;
      if ((byte & 0xc0) !== 0x80) return;
    }
  }
}

/** What is asked of standard input where it is a terminal. */
export interface SecretTerminal {
  setRawMode(isRaw: boolean): unknown;
  on(name: 'data', listener: (data: Buffer) => void): unknown;
  once(name: 'end', listener: () => void): unknown;
  off(name: 'data' | 'end', listener: (data: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** Asks on a terminal without echo. The caller owns the bytes. Rejects with `cancelled` at Ctrl-C. */
export async function readSecret(question: string, input: SecretTerminal, write: (text: string) => void): Promise<Buffer> {
  const line = new SecretLine();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let isEscape = false;
  const onData = (data: Buffer): void => {
    for (const [index, byte] of data.entries()) {
      // Arrow keys and the like come as one piece that begins with ESC: none of it is typed text.
      if (byte === keys.escape && data.length > 1 && index === 0) isEscape = true;
      if (isEscape) continue;
      const state = line.take(byte);
      if (state === 'done') resolve(line.bytes());
      if (state === 'cancelled') reject(new HoldfastError('cancelled', 'Cancelled: nothing was changed.'));
      if (state !== 'more') break;
    }
    isEscape = false;
    data.fill(0);
  };
  const onEnd = (): void => reject(new HoldfastError('cancelled', 'Cancelled: the terminal was closed.'));
  // Before the question: whoever answers it at once must not be echoed.
  input.setRawMode(true);
  write(question);
  input.on('data', onData);
  input.once('end', onEnd);
  input.resume();
  try {
    return await promise;
  } finally {
    input.off('data', onData);
    input.off('end', onEnd);
    input.setRawMode(false);
    input.pause();
    line.wipe();
    write('\n');
  }
}
