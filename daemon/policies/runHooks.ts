import { HoldfastError } from '../../protocol/errors.ts';
import type { HookReports, ProcessReport } from '../../protocol/methods/backups.ts';
import type { Hook } from '../../protocol/methods/policies.ts';
import type { ActionRun, WorkResult } from '../actions/actionQueue.ts';
import { noProgress, type RunProgress } from '../actions/progress.ts';
import type { runCommand } from '../commands/runCommand.ts';
import { processReportOf } from './runReports.ts';

/** Seconds that `after` gets where the run was cancelled: enough to set free what `before` has stopped, little where somebody waits. */
const cancelledTimeLimit = 30;

export interface HookedPolicy {
  readonly name: string;
  readonly policyId: string;
  readonly before: Hook | null;
  readonly after: Hook | null;
}

/** How a run ended, hooks included; what it threw where it did not come to a result. */
export type HookedEnd = { readonly result: WorkResult } | { readonly error: unknown };

/**
 * Runs a policy's commands around one run of it. `before` that fails stops the run before it begins. `after` runs however the run ended, also
 * where `before` failed or the run was cancelled: it sets free what `before` has stopped.
 */
export class RunHooks {
  readonly #policy: HookedPolicy;
  readonly #run: ActionRun;
  readonly #runCommand: typeof runCommand;
  #reports: HookReports = { before: null, after: null };
  #progress: RunProgress = noProgress;

  constructor(policy: HookedPolicy, run: ActionRun, command: typeof runCommand) {
    this.#policy = policy;
    this.#run = run;
    this.#runCommand = command;
  }

  get reports(): HookReports {
    return this.#reports;
  }

  /** Never rejects with what `work` rejects with: that is the end's error. */
  async around(work: (run: ActionRun) => Promise<WorkResult>): Promise<HookedEnd> {
    const end = (await this.#before()) ?? (await this.#work(work));
    await this.#after(end);
    return end;
  }

  async #work(work: (run: ActionRun) => Promise<WorkResult>): Promise<HookedEnd> {
    const { actionId, signal } = this.#run;
    const report = (progress: RunProgress): void => {
      this.#progress = progress;
      this.#run.report(progress);
    };
    try {
      return { result: await work({ actionId, signal, report }) };
    } catch (error) {
      return { error };
    }
  }

  /** How the run ended, where it did so before it began. */
  async #before(): Promise<HookedEnd | undefined> {
    const { before, name } = this.#policy;
    if (before === null) return undefined;
    const { signal } = this.#run;
    const report = await this.#hook(before, 'before', before.timeLimit, signal, {});
    this.#reports = { ...this.#reports, before: report };
    if (signal.aborted) return { error: signal.reason };
    if (report.problem === null) return undefined;
    return {
      error: HoldfastError.failedTo('hookFailed', `back up ${name}`, `the command before the run failed: ${report.problem}`, {
        fix: 'Run the command by hand; the details of this error hold what it said.',
      }),
    };
  }

  async #after(end: HookedEnd): Promise<void> {
    const { after } = this.#policy;
    if (after === null) return;
    const { signal } = this.#run;
    const isCancelled = signal.aborted;
    const timeLimit = isCancelled ? Math.min(after.timeLimit, cancelledTimeLimit) : after.timeLimit;
    // One who cancels asks for the run's end, and has it once what was stopped is set free.
    const until = isCancelled ? new AbortController().signal : signal;
    const restorePointId = 'result' in end ? end.result.document['restorePointId'] : undefined;
    const environment = {
      HOLDFAST_OUTCOME: 'result' in end ? end.result.outcome : isCancelled ? 'cancelled' : 'failed',
      HOLDFAST_RESTORE_POINT_ID: typeof restorePointId === 'string' ? restorePointId : '',
    };
    this.#reports = { ...this.#reports, after: await this.#hook(after, 'after', timeLimit, until, environment) };
  }

  async #hook(
    { command }: Hook,
    hook: 'before' | 'after',
    timeLimit: number,
    signal: AbortSignal,
    environment: Readonly<Record<string, string>>,
  ): Promise<ProcessReport> {
    const { name, policyId } = this.#policy;
    this.#run.report({ ...this.#progress, phase: `hook ${hook}`, totalFiles: null, totalBytes: null });
    const own = { HOLDFAST_POLICY: name, HOLDFAST_POLICY_ID: policyId, HOLDFAST_HOOK: hook };
    return processReportOf(await this.#runCommand({ command, timeLimit, signal, environment: { ...own, ...environment } }));
  }
}
