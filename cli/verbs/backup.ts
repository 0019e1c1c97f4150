import { exitStatusOf, HoldfastError } from '../../protocol/errors.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import { type BackupDocument, type BackupStarted, backupDocument, backupStart } from '../../protocol/methods/backups.ts';
import type { ErrorDocument } from '../../protocol/methods/values.ts';
import type { Call } from '../call.ts';
import { backupReport } from '../actionReport.ts';
import { follow } from '../follow.ts';
import { reference } from '../names.ts';
import { processLines } from '../processLines.ts';
import { allFindings, documentOfAction, errorOfAction, printsDocument, statusOfAction } from '../outcome.ts';
import { clipped, escaped } from '../../client/shown/text.ts';
import { counted, duration, shortId, size } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

const descriptionLimit = 1024;

export async function backup(call: Call, session: Session): Promise<Result> {
  const policies = call.arguments('POLICY').map((typed) => reference('policy', typed));
  const all = call.isOn('--all');
  if (all && policies.length > 0) throw call.problem('policies and --all exclude each other', 'Leave one of them out.');
  if (!all && policies.length === 0) throw call.problem('a policy is missing', 'Name a policy, or give --all.');
  const description = call.text('--description');
  if (description !== undefined && description.length > descriptionLimit) {
    throw new HoldfastError('badValue', `Failed to read --description: it has more than ${descriptionLimit} characters.`, {
      fix: 'Give a shorter one.',
    });
  }
  const dryRun = call.isOn('--dry-run');
  await session.heedInterrupts();
  const { actions } = await session.call(backupStart, {
    requestId: session.host.uuid(),
    policies,
    all,
    dryRun,
    ...(description === undefined ? {} : { description }),
  });
  // Whether one document or an array is printed is decided by what was typed, not by how many policies there are.
  const isOne = new Set(policies).size === 1;
  if (!session.globals.wait) return startedResult(actions, isOne);
  const followed = actions.map(({ actionId, policy }) => ({ actionId, label: `Backing up ${policy}` }));
  const ends = await follow(session, followed, { cancelOnInterrupt: true });
  const [only] = ends;
  return isOne && only !== undefined ? await resultOfOne(only, session, dryRun) : await resultOfMany(ends, actions, session, dryRun);
}

function startedResult(actions: readonly BackupStarted[], isOne: boolean): Result {
  return {
    document: isOne ? actions[0] : actions,
    lines: actions.map(({ actionId, policy }) => `Backing up ${escaped(policy)}: started as action ${actionId}.`),
  };
}

async function resultOfOne(action: ActionWithResult, session: Session, dryRun: boolean): Promise<Result> {
  const exitStatus = statusOfAction(action);
  if (!printsDocument(exitStatus)) {
    // What a command said stands in the error's details, which are for programs.
    if (action.result !== null && !session.globals.json) await printProcesses(await documentOf(action, session), session);
    throw errorOfAction(action);
  }
  const document = await documentOf(action, session);
  return { document, lines: linesOf(document, session, dryRun), exitStatus };
}

async function printProcesses(document: BackupDocument, { host, style }: Session): Promise<void> {
  for (const line of processLines(document, style)) await host.err.write(`${line}\n`);
}

/** A document for each policy, with the error where one failed; the worst exit status of all. */
async function resultOfMany(
  ends: readonly ActionWithResult[],
  started: readonly BackupStarted[],
  session: Session,
  dryRun: boolean,
): Promise<Result> {
  const documents: (BackupDocument & { readonly error: ErrorDocument | null })[] = [];
  const lines: string[] = [];
  for (const [index, action] of ends.entries()) {
    const document = action.result === null ? emptyDocument(action, started[index]) : await documentOf(action, session);
    documents.push({ ...document, error: action.error });
    lines.push(...(action.error === null ? linesOf(document, session, dryRun) : failedLines(document, action.error, session)));
  }
  return {
    document: documents,
    lines: lines.length === 0 ? ['There is no policy to back up.'] : lines,
    exitStatus: worst(ends.map(statusOfAction)),
  };
}

async function documentOf(action: ActionWithResult, session: Session): Promise<BackupDocument> {
  const document = documentOfAction(action, backupDocument);
  return { ...document, skipped: await allFindings(session, action, 'skipped', document.skipped, document.skippedCount) };
}

function emptyDocument(action: ActionWithResult, started: BackupStarted | undefined): BackupDocument {
  return {
    actionId: action.actionId,
    policy: started?.policy ?? action.subject,
    policyId: started?.policyId ?? '',
    restorePointId: null,
    outcome: action.state === 'cancelled' ? 'cancelled' : 'failed',
    files: 0,
    bytes: 0,
    addedBytes: 0,
    skipped: [],
    skippedCount: 0,
    warnings: [],
    warningsCount: 0,
    commands: [],
    hooks: { before: null, after: null },
    seconds: 0,
  };
}

/** Cancelled before failed before damaged before warnings. */
export function worst(statuses: readonly number[]): number {
  const order = [exitStatusOf.cancelled, 1, 2, 3, 4, exitStatusOf.damaged, exitStatusOf.completedWithWarnings];
  return order.find((status) => statuses.includes(status)) ?? 0;
}

function failedLines(document: BackupDocument, error: ErrorDocument, { style }: Session): string[] {
  const { policy } = document;
  return [
    `${style.bold(escaped(policy))}: ${style.bad(escaped(error.message))}`,
    ...(error.fix === null ? [] : [`  ${escaped(error.fix)}`]),
    ...processLines(document, style),
  ];
}

function linesOf(document: BackupDocument, session: Session, dryRun: boolean): string[] {
  const { style } = session;
  const { policy, restorePointId, files, bytes, addedBytes, seconds } = document;
  const point =
    restorePointId === null
      ? dryRun
        ? 'nothing stored (dry run)'
        : 'no restore point'
      : `restore point ${style.bold(shortId(restorePointId))}`;
  const name = clipped(escaped(policy), 100);
  const sum = `${counted(files, 'file')}, ${size(bytes)}, ${size(addedBytes)} ${dryRun ? 'would be added' : 'added'}, ${duration(seconds)}`;
  return [
    `${style.bold(name)}: ${point}, ${sum}${document.outcome === 'completeWithWarnings' ? style.warning(', with warnings') : ''}`,
    ...backupReport(document, style),
  ];
}
