import type { Choice } from './quickInputs.ts';

/** So many characters of a line are seen in a quick pick of usual width. */
const seen = 84;

/** A sentence over the two lines that a choice has, parted between words; the second may be cut by the editor. */
export function twoLines(text: string): { readonly label: string; readonly detail?: string } {
  if (text.length <= seen) return { label: text };
  const space = text.lastIndexOf(' ', seen);
  const end = space <= 0 ? seen : space;
  return { label: text.slice(0, end).trimEnd(), detail: text.slice(end).trimStart() };
}

/** What went wrong and the way out, as lines to read in a pick. */
export function problemChoices<Value>(
  problem: { readonly message: string; readonly fix?: string | null | undefined },
  icon: string,
  value: Value,
): readonly Choice<Value>[] {
  const { message, fix = null } = problem;
  return [{ ...twoLines(message), icon, value }, ...(fix === null ? [] : [{ ...twoLines(fix), icon: 'lightbulb', value }])];
}
