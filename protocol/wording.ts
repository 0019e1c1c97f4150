/** With thousands apart: `12,345`. */
export function number(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 file`, `2 files`. */
export function counted(value: number, singular: string, plural: string = `${singular}s`): string {
  return `${number(value)} ${value === 1 ? singular : plural}`;
}

/** Of an RFC 3339 time in UTC: `2026-01-02 03:04 UTC`. The same for every reader, whatever his time zone. */
export function minuteOf(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}

/**
 * A word of a POSIX shell's command line that stands for this text and nothing else: in quotation marks where a shell would take it apart (POSIX.1-2024, Shell
 * Command Language, 2.2.2).
 */
export function shellWord(text: string): string {
  return /^[\w.,@%+:/-][\w.,@%+:/=-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
