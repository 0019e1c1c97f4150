/** What the commands of a run said and left out, as reports show it. */
import type { CommandReport } from '../../protocol/methods/backups.ts';
import type { Finding } from '../../protocol/methods/values.ts';
import { escaped } from './text.ts';

/** Columns from one tab stop to the next, as terminals have them. */
const tabStop = 8;

/** Lines of standard error, made fit for people: nothing of them moves a cursor, tabs stay the room that they make, empty ones are left out. */
export function linesSaid(standardError: string): readonly string[] {
  return standardError
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) =>
      line
        .split('\t')
        .map(escaped)
        .reduce((before, after) => before + ' '.repeat(tabStop - (before.length % tabStop)) + after),
    );
}

/** What a report names beside its commands: one that failed is told with what it said, and not once more as what was left out. */
export function besideCommands(
  skipped: readonly Finding[],
  commands: readonly Pick<CommandReport, 'name' | 'problem'>[],
): readonly Finding[] {
  const failed = new Set(commands.flatMap(({ name, problem }) => (problem === null ? [] : [name])));
  // Paths of folders are absolute; a name is none.
  return skipped.filter(({ path }) => !failed.has(path));
}
