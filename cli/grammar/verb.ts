/** What can be typed, as data: the parser, the help, the completion and the tests all read the same table. */

export interface Argument {
  /** In capitals, as the help shows it. */
  readonly name: string;
  readonly about: string;
  readonly isOptional?: boolean;
  /** Takes all that is left. */
  readonly isVariadic?: boolean;
}

export interface Flag {
  /** `--kebab-case`. */
  readonly flag: string;
  readonly about: string;
  /** The value's name in capitals; a flag without is a switch. */
  readonly value?: string;
  /** May be given several times, or be followed by several values. */
  readonly isRepeatable?: boolean;
  /** A switch that `--no-…` turns off again. */
  readonly isNegatable?: boolean;
  /** A negatable switch that is on where nothing is said: the help shows its negation. */
  readonly isOnByDefault?: boolean;
  readonly choices?: readonly string[];
  /** Known, but its feature is not in this version: it answers exit 2 where it is given. */
  readonly isLater?: boolean;
  /** Must be given. */
  readonly isRequired?: boolean;
}

export interface Example {
  readonly command: string;
  readonly about: string;
}

export interface Verb {
  /** Words with one space between: `passkey add passphrase`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly arguments?: readonly Argument[];
  readonly flags?: readonly Flag[];
  readonly examples: readonly Example[];
}

/** Words that lead to verbs. */
export interface Group {
  readonly path: string;
  readonly summary: string;
  readonly alias?: string;
}

export interface Family {
  /** Heading in `holdfast --help`. */
  readonly heading: string;
  readonly groups: readonly Group[];
  readonly verbs: readonly Verb[];
  /** Paths of verbs that this version does not have yet. */
  readonly later: readonly string[];
}
