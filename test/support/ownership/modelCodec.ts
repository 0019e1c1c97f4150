import { createHash } from 'node:crypto';
import type { TermCodec } from '../../../daemon/recovery/ownership/termCodec.ts';

const length = 96;
const mark = 'TERM';

/** The name of a term as somebody without the key would make it. */
export function guessedKey(n: number): string {
  return `t/${n}-`;
}

/** As somebody with the key makes it. */
export function keyedKey(n: number): string {
  return `${guessedKey(n)}k`;
}

/** The number of the term whose bytes these are; 0 where they are none. */
export function termNumberOf(body: string | undefined): number {
  const [word, , , n = '0'] = (body ?? '').trim().split(' ');
  return word === mark ? Number(n) : 0;
}

/**
 * Terms whose authenticity is a word that the attacker does not write: he copies whole ones, or writes junk.
 *
 * @param machine makes its terms its own
 * @param keyOf the names that it gives
 */
export function modelCodec(machine: string, keyOf: (n: number) => string): TermCodec {
  let count = 0;
  return {
    prefix: 't/',
    length,
    keyOf,
    numberOf: (key) => {
      const n = Number(/^t\/(\d)-/.exec(key)?.[1] ?? 0);
      return n > 0 && keyOf(n) === key ? n : undefined;
    },
    open: (stored, n) => {
      const body = Buffer.from(stored).toString();
      if (termNumberOf(body) !== n) return undefined;
      const previous = body.split(' ')[2] ?? '-';
      const hash = previous === '-' ? null : Buffer.from(previous, 'hex');
      return { term: { n, previous: hash, machineId: machine, storeTime: null, bundle: null }, objectId: Buffer.alloc(16) };
    },
    seal: ({ n, previous }) => {
      count += 1;
      const text = [mark, `${machine}${count}`, previous === null ? '-' : Buffer.from(previous).toString('hex'), n].join(' ');
      const bytes = Buffer.from(text.padEnd(length));
      return { bytes, sha256: createHash('sha256').update(bytes).digest() };
    },
  };
}

/** What nobody wrote as a term, as long as one. */
export function junk(name: string): string {
  return `JUNK ${name}`.padEnd(length);
}
