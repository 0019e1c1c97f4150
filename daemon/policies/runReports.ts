import type { CommandReport, HookReports, ProcessReport } from '../../protocol/methods/backups.ts';
import { roundedSeconds } from '../actions/seconds.ts';
import type { CommandEnd } from '../commands/runCommand.ts';

/** An answer has at most 1 MiB, and the reports of a failed run stand in it twice: as its document and in its error. */
const standardErrorBytes = 192 * 1024;

/** What commands and hooks of one run did. */
export interface RunReports {
  readonly commands: readonly CommandReport[];
  readonly hooks: HookReports;
}

export function processReportOf({ exitStatus, signal, seconds, standardError, problem }: CommandEnd): ProcessReport {
  return { exitStatus, signal, seconds: roundedSeconds(seconds), standardError, problem };
}

/** The same reports, with as much of the end of each standard error as there is room for. */
export function boundedReports({ commands, hooks }: RunReports, bytes: number = standardErrorBytes): RunReports {
  const count = commands.length + (hooks.before === null ? 0 : 1) + (hooks.after === null ? 0 : 1);
  const share = Math.floor(bytes / Math.max(1, count));
  const cut = <Report extends ProcessReport>(report: Report): Report => ({ ...report, standardError: endOf(report.standardError, share) });
  return {
    commands: commands.map(cut),
    hooks: { before: hooks.before === null ? null : cut(hooks.before), after: hooks.after === null ? null : cut(hooks.after) },
  };
}

/** The end of a text that takes so many bytes in JSON, which needs six for a control character. */
function endOf(text: string, bytes: number): string {
  let end = text;
  for (;;) {
    const size = Buffer.byteLength(JSON.stringify(end));
    if (size <= bytes) return end;
    const keep = Math.max(0, Math.floor(end.length * (bytes / size)) - 4);
    // Half of a pair of surrogates is no character.
    end = keep === 0 ? '' : `…${end.slice(-keep).replace(/^[\udc00-\udfff]/, '')}`;
  }
}
