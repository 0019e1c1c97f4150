import { HoldfastError } from '../../../protocol/errors.ts';
import type { DaemonEvent } from '../../../protocol/events.ts';
import { type Policy, policyList, policyShow } from '../../../protocol/methods/policies.ts';
import type { RunningAction, StatusResult } from '../../../protocol/methods/session.ts';
import type { Caller } from '../../connection/daemonService.ts';
import { listAll } from '../../connection/listAll.ts';
import { backupOf } from '../../work/underWay.ts';
import type { Row, RowFacts } from '../row.ts';
import type { Change, RowSource } from '../rowTree.ts';
import { policyRow } from './policy.ts';

/** The policies, each with its sources, its next run and what it is doing. */
export class PolicyRows implements RowSource {
  readonly #caller: Caller;
  readonly #status: () => StatusResult | undefined;
  readonly #now: () => Date;
  /** As they were listed last. */
  #policies = new Map<string, Policy>();
  /** What the rows say of running backups. */
  #shownRunning = new Map<string, RunningAction>();

  constructor(caller: Caller, status: () => StatusResult | undefined, now: () => Date) {
    this.#caller = caller;
    this.#status = status;
    this.#now = now;
  }

  async roots(): Promise<readonly Row[]> {
    this.#policies.clear();
    if (this.#status()?.state !== 'unlocked') return [];
    const policies = await listAll(this.#caller, policyList, {});
    this.#policies = new Map(policies.map((policy) => [policy.policyId, policy]));
    return policies.map((policy) => this.#row(policy));
  }

  async changeOf({ name, subject }: DaemonEvent): Promise<Change> {
    if (name === 'lookAgain') return 'everything';
    const [table, id = ''] = subject.split('/');
    if (name !== 'catalog.changed') return 'nothing';
    // What a policy's row says of its restore points changes with each of them.
    if (table === 'restorePoints' || table === 'locations') return 'everything';
    if (table !== 'policies') return 'nothing';
    if (!this.#policies.has(id)) return 'everything';
    try {
      const policy = await this.#caller.call(policyShow, { policy: id });
      const isRenamed = this.#policies.get(id)?.name !== policy.name;
      this.#policies.set(id, policy);
      return isRenamed ? 'everything' : this.#row(policy).facts;
    } catch (error) {
      if (HoldfastError.is(error, 'unknownName')) return 'everything';
      throw error;
    }
  }

  /** The rows of which the backup under way is not what they say. One whose backup has ended has a last run to tell, too: `ended` names it. */
  progress(): { readonly changed: readonly RowFacts[]; readonly ended: readonly string[] } {
    const changed: RowFacts[] = [];
    const ended: string[] = [];
    for (const policy of this.#policies.values()) {
      const running = this.#running(policy);
      const shown = this.#shownRunning.get(policy.policyId);
      if (shown !== undefined && running?.actionId !== shown.actionId) ended.push(policy.policyId);
      else if (percent(running) !== percent(shown)) changed.push(this.#row(policy).facts);
    }
    return { changed, ended };
  }

  #row(policy: Policy): Row {
    const running = this.#running(policy);
    if (running === undefined) this.#shownRunning.delete(policy.policyId);
    else this.#shownRunning.set(policy.policyId, running);
    return policyRow(policy, running, this.#now());
  }

  #running({ policyId }: Policy): RunningAction | undefined {
    return backupOf(this.#status()?.runningActions ?? [], policyId);
  }
}

/** What a row can show of it. */
function percent(running: RunningAction | undefined): number | 'waiting' | undefined {
  if (running?.state === 'queued') return 'waiting';
  return running === undefined ? undefined : Math.floor((running.fraction ?? -1) * 100);
}
