/** Colours of a terminal, or none. Each wraps text that is safe to print already. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warning(text: string): string;
  bad(text: string): string;
}

const plain = (text: string): string => text;

const wrap =
  (start: number, end: number) =>
  (text: string): string =>
    text === '' ? '' : `\u001b[${start}m${text}\u001b[${end}m`;

export const noStyle: Style = { bold: plain, dim: plain, good: plain, warning: plain, bad: plain };

export const terminalStyle: Style = { bold: wrap(1, 22), dim: wrap(2, 22), good: wrap(32, 39), warning: wrap(33, 39), bad: wrap(31, 39) };

export interface StyleInputs {
  readonly isTerminal: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `--color`, `--no-color`. */
  readonly wanted: boolean | undefined;
}

/** Colours only on a terminal that can show them, and never with `NO_COLOR` (no-color.org: present and not empty). */
export function styleFor({ isTerminal, environment, wanted }: StyleInputs): Style {
  if (wanted !== undefined) return wanted ? terminalStyle : noStyle;
  const isUnwanted = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return isTerminal && !isUnwanted ? terminalStyle : noStyle;
}
