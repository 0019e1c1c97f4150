import type { BackupDocument, ProcessReport } from '../protocol/methods/backups.ts';
import { clipped, escaped } from '../client/shown/text.ts';
import { linesSaid } from '../client/shown/saidByCommands.ts';
import { duration, size } from '../client/shown/units.ts';
import type { Style } from './output/style.ts';

/** Lines of standard error that are shown of one that failed. */
const lastWords = 10;

/** What the commands and hooks of a run did, for people; of those that failed also the end of what they said. */
export function processLines({ commands, hooks }: Pick<BackupDocument, 'commands' | 'hooks'>, style: Style): string[] {
  const hookLines = (name: string, report: ProcessReport | null): string[] =>
    report === null ? [] : linesOf(style.dim('hook'), name, report, duration(report.seconds), style);
  return [
    ...hookLines('before', hooks.before),
    ...commands.flatMap((command) => {
      const measures = `${size(command.bytes)} in ${duration(command.seconds)}${command.kept ? '' : ', not kept'}`;
      return linesOf(style.dim('command'), escaped(command.name), command, measures, style);
    }),
    ...hookLines('after', hooks.after),
  ];
}

function linesOf(mark: string, name: string, { problem, standardError }: ProcessReport, measures: string, style: Style): string[] {
  if (problem === null) return [`  ${mark}  ${name}: ${measures}`];
  const said = linesSaid(standardError).slice(-lastWords);
  return [
    `  ${style.bad('failed')}  ${name}: ${escaped(problem)} (${measures})`,
    ...said.map((line) => `    ${style.dim(clipped(line, 400))}`),
  ];
}
