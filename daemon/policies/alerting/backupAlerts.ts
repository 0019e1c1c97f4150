import * as z from 'zod';
import type { ActionWithResult } from '../../../protocol/methods/actions.ts';
import { backupDocument } from '../../../protocol/methods/backups.ts';
import type { ErrorDocument } from '../../../protocol/methods/values.ts';
import { counted, minuteOf, shellWord } from '../../../protocol/wording.ts';
import type { AlertBook, Cause } from '../../alerts/alertBook.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PolicyRecord } from '../../catalog/policyStore.ts';
import type { EndedRun } from '../backupRuns.ts';
import { missingFolders } from '../backupOutcome.ts';
import type { Overdue } from '../schedules/scheduler.ts';

export interface BackupAlertsOptions {
  readonly alerts: AlertBook;
  readonly catalog: Catalog;
}

const missingSchema = z.array(z.string()).min(1);

/** What the ends of runs, and runs that never come, mean for the user. */
export class BackupAlerts {
  readonly #alerts: AlertBook;
  readonly #catalog: Catalog;

  constructor({ alerts, catalog }: BackupAlertsOptions) {
    this.#alerts = alerts;
    this.#catalog = catalog;
  }

  /** A location that is away or full is one alert for all the policies that store there. */
  ended({ policy, action, isDryRun }: EndedRun): void {
    const { policyId, name, locationId } = policy;
    if (action.state === 'complete' || action.state === 'completeWithWarnings') {
      if (locationId !== null) this.#alerts.resolve('locationUnreachable', locationId);
      if (isDryRun) return;
      if (locationId !== null) this.#alerts.resolve('locationFull', locationId);
      this.#alerts.resolve('backupFailed', policyId);
      this.#missing(policy, action);
      this.#commands(policy, action);
      return;
    }
    if (action.state !== 'failed' || isDryRun || action.error === null || action.error.code === 'locked') return;
    // Deleted meanwhile: nobody waits for it.
    if (this.#catalog.policies.get(policyId)?.deletedAt !== null) return;
    const { code, message: detail } = action.error;
    const location = locationId === null ? undefined : this.#catalog.locations.get(locationId);
    const ofLocation =
      location === undefined
        ? undefined
        : { subjectId: location.locationId, subject: location.name, locationId: location.locationId, detail };
    if (ofLocation !== undefined && code === 'storeUnreachable') {
      this.#alerts.raise({
        ...ofLocation,
        kind: 'locationUnreachable',
        severity: 'warning',
        message: `The location ${ofLocation.subject} can not be reached.`,
        fix: 'Connect it; the runs that wait for it are then made up for by themselves.',
      });
    } else if (ofLocation !== undefined && code === 'storeFull') {
      this.#alerts.raise({
        ...ofLocation,
        kind: 'locationFull',
        severity: 'error',
        message: `The location ${ofLocation.subject} is full.`,
        fix: 'Make room there, or retire restore points and collect the garbage.',
      });
    } else {
      const isHook = code === 'hookFailed';
      this.#alerts.raise({
        ...aboutRun(policy, action),
        kind: isHook ? 'hookFailed' : 'backupFailed',
        severity: 'error',
        message: isHook
          ? `The command before the last run of ${name} failed, so nothing was backed up.`
          : `The last run of ${name} failed: ${reasonOf(action.error)}.`,
        detail,
      });
    }
  }

  /** Folders of which the newest restore point has nothing. Their paths are sealed. */
  #missing(policy: PolicyRecord, action: ActionWithResult): void {
    const found = missingSchema.safeParse(action.error?.details?.[missingFolders]);
    if (!found.success) {
      this.#alerts.resolve('sourceMissing', policy.policyId);
      return;
    }
    const what = counted(found.data.length, 'source');
    this.#alerts.raise({
      ...aboutRun(policy, action),
      kind: 'sourceMissing',
      severity: 'error',
      message: `The last run of ${policy.name} did not find ${what}; the newest restore point is without, and retention waits.`,
      detail: found.data.join('; '),
    });
  }

  /** What the commands of a run that has made a restore point ended with. Their names and output are sealed. */
  #commands(policy: PolicyRecord, action: ActionWithResult): void {
    const { policyId, name } = policy;
    const document = backupDocument.safeParse(action.result);
    const problem = document.data?.hooks.after?.problem ?? null;
    const lost = document.data?.commands.filter(({ kept }) => !kept) ?? [];
    if (problem === null) this.#alerts.resolve('hookFailed', policyId);
    else {
      this.#alerts.raise({
        ...aboutRun(policy, action),
        kind: 'hookFailed',
        severity: 'warning',
        message: `The command after the last run of ${name} failed; the restore point is there.`,
        detail: problem,
      });
    }
    if (lost.length === 0) this.#alerts.resolve('commandFailed', policyId);
    else {
      this.#alerts.raise({
        ...aboutRun(policy, action),
        kind: 'commandFailed',
        severity: 'error',
        message: `${lost.length === 1 ? 'A command' : counted(lost.length, 'command')} of ${name} failed, and the newest restore point is without that output.`,
        detail: lost.map((command) => `${command.name}: ${command.problem ?? 'not kept'}.`).join(' '),
      });
    }
  }

  /** All that are overdue; those that were and are not any more resolve. */
  overdue(overdue: readonly Overdue[]): void {
    const ids = new Set<string>(overdue.map(({ policyId }) => policyId));
    for (const { subjectId } of this.#alerts.raised('policyOverdue')) {
      if (!ids.has(subjectId)) this.#alerts.resolve('policyOverdue', subjectId);
    }
    for (const { policyId, name, lastMadeAt, since } of overdue) {
      this.#alerts.raise({
        kind: 'policyOverdue',
        subjectId: policyId,
        subject: name,
        severity: 'error',
        message:
          lastMadeAt === null
            ? `The policy ${name} was to run since ${minuteOf(since)} and has made no restore point.`
            : `The policy ${name} has made no restore point since ${minuteOf(lastMadeAt)}.`,
        fix: `Unlock the daemon if it is locked, then see what "holdfast backup ${shellWord(name)}" says.`,
        policyId,
      });
    }
  }
}

/** An alert about one run. */
function aboutRun(
  { policyId, name, locationId }: PolicyRecord,
  { actionId }: ActionWithResult,
): Pick<Cause, 'subjectId' | 'subject' | 'policyId' | 'locationId' | 'fix'> {
  return {
    subjectId: policyId,
    subject: name,
    policyId,
    ...(locationId === null ? {} : { locationId }),
    fix: `See why with "holdfast action show ${actionId.slice(0, 8)}".`,
  };
}

/** A clause without names of files: the error itself is kept under seal. */
function reasonOf({ code }: ErrorDocument): string {
  switch (code) {
    case 'storeUnreachable':
      return 'its location can not be reached';
    case 'storeFull':
      return 'its location is full';
    case 'storeReadOnly':
      return 'its location is read-only';
    case 'storeFailed':
      return 'its location reports errors';
    case 'diskFailed':
      return 'the disk of the state directory is full or reports errors';
    case 'sourceMissing':
      return 'a source is not there';
    case 'commandFailed':
      return 'a command of it failed';
    case 'unknownName':
      return 'its location was removed';
    case 'refusedByRule':
      return 'a safety rule refuses it';
    case 'daemonEnded':
      return 'the daemon ended';
    case 'damaged':
    case 'tampered':
    case 'objectMissing':
    case 'unsupportedFormat':
      return 'something that is stored is damaged or gone';
    default:
      return 'its action says why';
  }
}
