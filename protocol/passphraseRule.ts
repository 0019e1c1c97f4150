/** Characters that a new passphrase has at least: shorter ones can be tried out by whoever reads the store. */
export const leastCharacters = 12;
/** How many of them differ at least: `aaaaaaaaaaaa` is among the first that anybody tries. */
export const leastDifferent = 5;

/**
 * What is wrong with a new passphrase: too few characters, or too few different ones. It keeps out what nobody should rely on and proves nothing of the
 * rest; what Holdfast makes itself is the strong choice. Looks at bytes of UTF-8, so that no passphrase has to become a string.
 */
export function passphraseProblem(passphrase: Uint8Array): 'short' | 'monotonous' | undefined {
  const characters = passphrase.reduce((count, byte) => count + (isContinuation(byte) ? 0 : 1), 0);
  if (characters < leastCharacters) return 'short';
  return new Set(passphrase).size < leastDifferent ? 'monotonous' : undefined;
}

/** What to say of a new passphrase that is too weak; `undefined` of any other. It is the user's to decide: docs/format.md takes any of 1 to 1,024 bytes. */
export function weakPassphraseWarning(passphrase: Uint8Array): string | undefined {
  const problem = passphraseProblem(passphrase);
  if (problem === undefined) return undefined;
  const reason =
    problem === 'short'
      ? `it has fewer than ${leastCharacters} characters, and who reads the backups can try out all of those`
      : `it has fewer than ${leastDifferent} different characters, which is guessed early`;
  return `This passphrase is weak: ${reason}. Take several words that stand together nowhere else; "holdfast init" without --passphrase-file makes seven.`;
}

/** Bytes after the first of a character (RFC 3629, section 3). */
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
