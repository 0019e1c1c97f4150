/** With thousands apart: `12,345`. */
export function number(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 file`, `2 files`. */
export function counted(value: number, singular: string, plural: string = `${singular}s`): string {
  return `${number(value)} ${value === 1 ? singular : plural}`;
}

/** A name as a word of a command to be typed: in quotation marks where a shell would take it apart. */
export function shellWord(text: string): string {
  return /^[\w.,@%+:/][\w.,@%+:/=-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
