const isAscii = /^\p{ASCII}*$/u;

/**
 * Paths are kept as latin-1 strings, one character a byte: they sort as bytes do, cost a byte a character, and lose nothing of names that are
 * not UTF-8. This is what the file system is asked with.
 */
export function rawPath(path: string): string | Buffer {
  return isAscii.test(path) ? path : Buffer.from(path, 'latin1');
}

/** The raw path of one that the runtime gave as text. */
export function rawOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
