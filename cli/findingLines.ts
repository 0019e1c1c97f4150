import type { ActionWithResult } from '../protocol/methods/actions.ts';
import type { Finding } from '../protocol/methods/values.ts';
import type { Style } from './output/style.ts';
import { clipped, escaped } from '../client/shown/text.ts';
import { counted } from '../client/shown/units.ts';

const shownMost = 50;

/** What was left out or is damaged, for people: the first ones by name, the rest by number. */
export function findingLines(findings: readonly Finding[], total: number, word: 'skipped' | 'damaged', style: Style): string[] {
  const mark = word === 'damaged' ? style.bad(word) : style.warning(word);
  const lines = findings
    .slice(0, shownMost)
    .map(({ path, reason }) => `  ${mark}  ${clipped(escaped(path), 400)}: ${clipped(escaped(reason), 400)}`);
  const rest = total - lines.length;
  return rest <= 0 ? lines : [...lines, `  ${mark}  and ${counted(rest, 'more', 'more')}; --json names them all`];
}

/** What to do about damage, where the daemon says so. */
export function wayOutLines({ error }: ActionWithResult): string[] {
  return error?.code === 'damaged' && error.fix !== null ? [escaped(error.fix)] : [];
}

/** What should be known, and is no damage. */
export function noteLines(notes: readonly string[], style: Style): string[] {
  return notes.slice(0, shownMost).map((note) => `  ${style.dim('note')}  ${clipped(escaped(note), 800)}`);
}

/** What is there but needs a look, for people: the first sentences, the rest by number. */
export function warningLines(warnings: readonly string[], total: number, style: Style): string[] {
  const mark = style.warning('warning');
  const lines = warnings.slice(0, shownMost).map((warning) => `  ${mark}  ${clipped(escaped(warning), 800)}`);
  const rest = total - lines.length;
  return rest <= 0 ? lines : [...lines, `  ${mark}  and ${counted(rest, 'more', 'more')}; --json names more of them`];
}
