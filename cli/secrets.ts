import { HoldfastError } from '../protocol/errors.ts';
import { systemCode } from '../protocol/systemCode.ts';
import type { Host } from './host.ts';
import { quoted } from '../client/shown/text.ts';

/** No passphrase is longer than 1,024 bytes; a file that is larger holds something else. */
const secretFileLimit = 65_536;

export interface SecretWish {
  /** What the secret is, inside a sentence: `the passphrase`. */
  readonly what: string;
  /** A file that was named, `-` for standard input; `undefined` where none was. */
  readonly file: string | undefined;
  /** The flag or variable that names a file. */
  readonly flag: string;
  /** Asked on a terminal where no file was named. */
  readonly question: string;
  /** Asked twice: for a secret that is set and not only proved. */
  readonly isNew?: boolean;
}

/** Takes secrets from files, standard input and the terminal; owns them all, and overwrites them in the end. */
export class Secrets implements Disposable {
  readonly #host: Host;
  readonly #resolvePath: (typed: string) => string;
  readonly #held: Buffer[] = [];

  constructor(host: Host, resolvePath: (typed: string) => string) {
    this.#host = host;
    this.#resolvePath = resolvePath;
  }

  /** `undefined` where there is neither a file nor a terminal to ask on. Errors: `badValue`, `cancelled`. */
  async find(wish: SecretWish): Promise<Buffer | undefined> {
    const secret = wish.file === undefined ? await this.#ask(wish) : await this.#read(wish, wish.file);
    if (secret === undefined) return undefined;
    if (secret.length === 0)
      throw new HoldfastError('badValue', `Failed to read ${wish.what}: it is empty.`, { fix: 'Give one of at least one character.' });
    return secret;
  }

  /** A whole file, or all of standard input where it is `-`; `limit` bytes at most. Errors: `badValue`. */
  async readAll(wish: Pick<SecretWish, 'what' | 'flag'> & { readonly file: string }, limit: number): Promise<Buffer> {
    const content = wish.file === '-' ? await this.#readLines(limit) : this.keep(await this.#readFile(wish, wish.file, limit + 1));
    if (content.length <= limit) return content;
    throw tooLarge(wish, wish.file, `Name another file by ${wish.flag}.`);
  }

  /** Keeps bytes for as long as the others. */
  keep(secret: Buffer): Buffer {
    this.#held.push(secret);
    return secret;
  }

  [Symbol.dispose](): void {
    for (const secret of this.#held) secret.fill(0);
  }

  async #ask(wish: SecretWish): Promise<Buffer | undefined> {
    if (!this.#host.in.isTerminal) return undefined;
    for (;;) {
      const secret = this.keep(await this.#host.in.readSecret(`${wish.question}: `));
      if (wish.isNew !== true || secret.length === 0) return secret;
      const again = this.keep(await this.#host.in.readSecret('The same again: '));
      if (secret.equals(again)) return secret;
      await this.#host.err.write('The two differ. Once more.\n');
    }
  }

  async #read(wish: SecretWish, file: string): Promise<Buffer> {
    if (file === '-') {
      const line = await this.#host.in.readLine();
      return this.keep(line ?? Buffer.alloc(0));
    }
    const content = this.keep(await this.#readFile(wish, file));
    const end = content.indexOf(0x0a);
    if (end === -1 && content.length === secretFileLimit) {
      throw tooLarge(wish, file, `Name a file with the secret in its first line by ${wish.flag}.`);
    }
    const line = content.subarray(0, end === -1 ? content.length : end);
    return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  }

  async #readLines(limit: number): Promise<Buffer> {
    const lines: Buffer[] = [];
    for (let length = 0; length <= limit; ) {
      const line = await this.#host.in.readLine();
      if (line === undefined) break;
      lines.push(this.keep(line), Buffer.from('\n'));
      length += line.length + 1;
    }
    return this.keep(Buffer.concat(lines));
  }

  async #readFile(wish: Pick<SecretWish, 'what' | 'flag'>, file: string, limit: number = secretFileLimit): Promise<Buffer> {
    try {
      return await this.#host.readFile(this.#resolvePath(file), limit);
    } catch (cause) {
      const reason = systemCode(cause) === 'ENOENT' ? 'is not there' : 'can not be read';
      throw new HoldfastError('badValue', `Failed to read ${wish.what}: ${quoted(file)} ${reason}.`, {
        fix: `Name another file by ${wish.flag}.`,
        cause,
      });
    }
  }
}

function tooLarge({ what }: Pick<SecretWish, 'what'>, file: string, fix: string): HoldfastError {
  return new HoldfastError('badValue', `Failed to read ${what}: ${quoted(file)} is too large.`, { fix });
}
