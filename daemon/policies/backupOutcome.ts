import { type ErrorCode, HoldfastError } from '../../protocol/errors.ts';
import type { BackupDocument } from '../../protocol/methods/backups.ts';
import { findingsInline } from '../../protocol/methods/values.ts';
import { counted } from '../../protocol/wording.ts';
import type { ActionRun, WorkResult } from '../actions/actionQueue.ts';
import { roundedSeconds } from '../actions/seconds.ts';
import type { SourceDefinition } from '../catalog/policyDefinition.ts';
import type { PolicyRecord } from '../catalog/policyStore.ts';
import type { BackupResult } from '../engine/jobs.ts';
import type { RunReports } from './runReports.ts';

/** Member of the details of a run's warnings: paths of folders of which nothing is in the restore point. */
export const missingFolders = 'missingFolders';
const namedCharacters = 1024;

/** What the engine has made, as the outcome of the run. */
export function backedUp(made: {
  readonly policy: PolicyRecord;
  readonly run: ActionRun;
  readonly result: BackupResult;
  /** The sources of which nothing is in it. */
  readonly missing: readonly SourceDefinition[];
  readonly isDryRun: boolean;
}): WorkResult {
  const { policy, run, result, missing, isDryRun } = made;
  const { statistics } = result;
  const document: BackupDocument = {
    actionId: run.actionId,
    policy: policy.name,
    policyId: policy.policyId,
    restorePointId: isDryRun ? null : result.manifest.restorePointId,
    outcome: result.hasWarnings ? 'completeWithWarnings' : 'complete',
    files: statistics.files,
    bytes: statistics.bytes,
    addedBytes: statistics.addedBytes,
    skipped: result.skipped.slice(0, findingsInline).map(({ path, reason }) => ({ path, reason })),
    skippedCount: result.skippedCount,
    warnings: result.warnings.slice(0, findingsInline),
    warningsCount: result.warnings.length,
    commands: [],
    hooks: { before: null, after: null },
    seconds: roundedSeconds(result.seconds),
  };
  return {
    outcome: document.outcome === 'complete' ? 'complete' : 'completeWithWarnings',
    document: { ...document },
    ...(result.hasWarnings ? { error: warningsOf(policy, result, missing) } : {}),
  };
}

/** The result with what commands and hooks did; a command after the run that failed is a warning, since the restore point is there. */
export function withReports(policy: PolicyRecord, result: WorkResult, reports: RunReports): WorkResult {
  const document = { ...result.document, ...reports };
  const problem = reports.hooks.after?.problem;
  if (problem === null || problem === undefined) return { ...result, document };
  const sentence = `The command after the run failed: ${problem}.`;
  const { warnings, warningsCount } = result.document;
  return {
    outcome: 'completeWithWarnings',
    document: {
      ...document,
      outcome: 'completeWithWarnings',
      warnings: [sentence, ...(Array.isArray(warnings) ? warnings : [])].slice(0, findingsInline),
      warningsCount: (typeof warningsCount === 'number' ? warningsCount : 0) + 1,
    },
    error:
      result.error ??
      new HoldfastError('completedWithWarnings', `Backed up ${policy.name}. ${sentence}`, {
        fix: 'Run the command by hand; the report holds what it said.',
      }),
  };
}

/** A run without a restore point: what commands and hooks did stands beside its error. Throws what has nothing to tell of, and what was cancelled. */
export function failedWith(policy: PolicyRecord, run: ActionRun, error: unknown, reports: RunReports): WorkResult {
  const { hooks } = reports;
  const commands = reports.commands.map((command) => ({ ...command, kept: false }));
  if (!HoldfastError.is(error) || (commands.length === 0 && hooks.before === null && hooks.after === null)) throw error;
  const { code, message, fix, reason } = error;
  const told = new HoldfastError(code, message, {
    ...(fix === undefined ? {} : { fix }),
    details: { ...error.details, commands, hooks },
    reason,
    cause: error,
  });
  if (run.signal.aborted) throw told;
  const document: BackupDocument = {
    actionId: run.actionId,
    policy: policy.name,
    policyId: policy.policyId,
    restorePointId: null,
    outcome: 'failed',
    files: 0,
    bytes: 0,
    addedBytes: 0,
    skipped: [],
    skippedCount: 0,
    warnings: [],
    warningsCount: 0,
    commands,
    hooks,
    seconds: 0,
  };
  return { outcome: 'failed', document: { ...document }, error: told };
}

/** Codes of what a location, and not one object in it, is to blame for. */
const ofLocation: readonly ErrorCode[] = ['storeUnreachable', 'storeFull', 'storeReadOnly', 'storeRefused', 'storeFailed'];

/**
 * What stopped a run, in words of the user's: where the location is to blame, its name stands in the place of the object that was on its way, which the log
 * names. Gives every other error as it is, and one that names more than an object.
 */
export function stoppedBy(error: unknown, policyName: string, locationName: string | undefined): unknown {
  if (locationName === undefined || !HoldfastError.is(error, ...ofLocation) || error.reason === error.message) return error;
  const { code, reason, fix, details } = error;
  return HoldfastError.failedTo(code, `back up ${policyName} to ${locationName}`, reason, {
    ...(fix === undefined ? {} : { fix }),
    ...(details === undefined ? {} : { details }),
    cause: error,
  });
}

function warningsOf(policy: PolicyRecord, result: BackupResult, missing: readonly SourceDefinition[]): HoldfastError {
  const count = result.skippedCount + result.warnings.length;
  const folders = missing.flatMap((source) => (source.kind === 'folder' ? [source.path.slice(0, namedCharacters)] : []));
  return new HoldfastError('completedWithWarnings', `Backed up ${policy.name} with ${counted(count, 'warning')}.`, {
    fix: 'Read the report; it names what is not in the restore point.',
    details: {
      warnings: result.warnings.slice(0, 20),
      ...(folders.length === 0 ? {} : { [missingFolders]: folders.slice(0, 20) }),
    },
  });
}
