import type { CommandReport } from '../../protocol/methods/backups.ts';
import type { SourceDefinition } from '../catalog/policyDefinition.ts';
import type { runCommand } from '../commands/runCommand.ts';
import type { CommandSource } from '../engine/jobs.ts';
import { processReportOf } from './runReports.ts';

/** Seconds. A command that hangs must not hold its policy for ever; that it took so long is told by the alert on an overdue policy before. */
const timeLimit = 24 * 60 * 60;

/** The commands of one run of a policy, as sources of the engine, and what became of them. */
export class CommandSources {
  readonly #run: typeof runCommand;
  readonly #reports = new Map<string, CommandReport>();

  constructor(run: typeof runCommand) {
    this.#run = run;
  }

  /** In the order in which they ran; where a run had to begin again, as they ended last. */
  get reports(): readonly CommandReport[] {
    return [...this.#reports.values()];
  }

  source({ sourceId, name, command }: Extract<SourceDefinition, { readonly kind: 'command' }>): CommandSource {
    return {
      id: sourceId,
      kind: 'command',
      label: name,
      run: async (output, signal) => {
        const end = await this.#run({ command, timeLimit, signal, output });
        this.#reports.set(name, { name, bytes: end.bytes, kept: end.problem === null, ...processReportOf(end) });
        return end.problem;
      },
    };
  }
}
