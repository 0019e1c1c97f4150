import { type Answer, FakeDaemon } from './fakeDaemon.ts';
import type { Action, ActionWithResult } from '../../../protocol/methods/actions.ts';
import type { Alert } from '../../../protocol/methods/alerts.ts';
import type { BackupDocument } from '../../../protocol/methods/backups.ts';
import type { Location } from '../../../protocol/methods/locations.ts';
import type { Passkey } from '../../../protocol/methods/passkeys.ts';
import type { Policy } from '../../../protocol/methods/policies.ts';
import type { Entry, RestorePoint } from '../../../protocol/methods/restorePoints.ts';
import type { StatusResult } from '../../../protocol/methods/session.ts';

export const id = '4f1c2a00-1111-4222-8333-444455556666';
export const otherId = 'aaaaaaaa-1111-4222-8333-444455556666';
export const at = '2026-03-01T11:55:00.000Z';

export const unlockedStatus: StatusResult = {
  state: 'unlocked',
  installationId: id,
  version: '0.1.0',
  pid: 4711,
  startedAt: at,
  passkeyInUse: 'laptop',
  safeUntil: null,
  lastBackup: at,
  runningActions: [{ actionId: id, kind: 'backup', subject: 'work', subjectId: otherId, state: 'running', fraction: 0.42 }],
  alerts: { error: 0, warning: 0 },
  readOnly: false,
  unattended: null,
  autoLock: null,
};

export const passkey: Passkey = {
  slotId: id,
  name: 'laptop',
  kind: 'passphrase',
  inUse: true,
  state: 'ready',
  reference: {},
  createdAt: at,
  verifiedAt: at,
  retirableFrom: null,
  rotates: null,
  warnings: [],
};

export const location: Location = {
  locationId: id,
  name: 'disk',
  kind: 'filesystem',
  storeId: otherId,
  path: '/mnt/backup',
  s3: null,
  lockMode: null,
  safeUntil: null,
  immutable: false,
  protectionPeriodDays: null,
  lastValidatedAt: at,
  lockProof: null,
  heldBytes: 123_456_789,
  uploadLimit: null,
};

/** An immutable bucket whose lock is proved. */
export const bucket: Location = {
  ...location,
  locationId: otherId,
  name: 'vault',
  kind: 's3',
  path: null,
  s3: { bucket: 'backups', region: 'eu-west-1', prefix: 'team', credentials: { source: 'chain' } },
  lockMode: 'compliance',
  safeUntil: '2026-03-20T12:00:00.000Z',
  immutable: true,
  protectionPeriodDays: 30,
  lockProof: { verdict: 'enforced', at },
};

export const policy: Policy = {
  policyId: id,
  name: 'work',
  sources: [{ kind: 'folder', path: '/home/user/work', sourceId: otherId }],
  location: 'disk',
  locationId: otherId,
  schedule: null,
  before: null,
  after: null,
  readLimit: null,
  lowPriority: false,
  keep: null,
  exclude: ['*.iso'],
  gitignore: true,
  oneFileSystem: false,
  includeCaches: false,
  maxFileSize: null,
  paused: false,
  createdAt: at,
  nextRunAt: null,
  lastRun: { actionId: id, outcome: 'complete', finishedAt: at },
  restorePoints: 3,
  problem: null,
  imported: null,
};

export const restorePoint: RestorePoint = {
  id,
  policy: 'work',
  policyId: otherId,
  sequence: 3,
  startedAt: at,
  uploadEndTime: at,
  storeTime: at,
  files: 1234,
  bytes: 5_000_000,
  addedBytes: 70_000,
  protectedUntil: null,
  state: 'live',
  pinned: false,
  verified: null,
  anomaly: null,
  imported: false,
  description: null,
};

export const backupDocument: BackupDocument = {
  actionId: id,
  policy: 'work',
  policyId: otherId,
  restorePointId: otherId,
  outcome: 'complete',
  files: 12,
  bytes: 3456,
  addedBytes: 789,
  skipped: [],
  skippedCount: 0,
  warnings: [],
  warningsCount: 0,
  commands: [],
  hooks: { before: null, after: null },
  seconds: 1.5,
};

export const alert: Alert = {
  id,
  kind: 'backupFailed',
  severity: 'error',
  subject: 'work',
  message: 'The last run of work failed: a source is not there.',
  since: at,
  safeUntil: null,
  fix: 'Look at it with "holdfast action list".',
  state: 'open',
  detail: null,
  policyId: otherId,
  locationId: null,
  restorePointId: null,
  slotId: null,
  snoozedUntil: null,
  resolvedAt: null,
};

/** An action that runs; what is given replaces. */
export function action(change: Partial<ActionWithResult> = {}): ActionWithResult {
  return {
    actionId: id,
    kind: 'backup',
    subject: 'work',
    state: 'running',
    startedBy: 'user',
    queuedAt: at,
    startedAt: at,
    finishedAt: null,
    progress: { phase: 'reading', files: 5, bytes: 1024, totalFiles: 12, totalBytes: 3456, fraction: 0.3, rate: 512, secondsLeft: 5 },
    error: null,
    result: null,
    ...change,
  };
}

/** Everything that a terminal might act upon, and long. */
export const hostile: string = `\u001b]0;title\u0007\u001b[2J\u009b31m\r\n\t\u202e\u2066\ud800"'\\<b>${'h'.repeat(10_000)}`;

export function entryWith(path: string): Entry {
  return { path, kind: 'link', mode: 0o777, size: null, mtime: at, linkTarget: path, pathBytes: null };
}

/** An action that is seen running so many times and has ended then. */
export function endingAs(end: Partial<ActionWithResult>, looks = 2): Answer {
  let left = looks;
  return ({ actionId }) => {
    left -= 1;
    const seen = action({ actionId: String(actionId) });
    return left > 0 ? seen : { ...seen, finishedAt: at, ...end };
  };
}

export const oneStarted: Answer = () => ({ actions: [{ policyId: otherId, policy: 'work', actionId: id }] });

export function backingUp(end: Partial<ActionWithResult>, further: Readonly<Record<string, Answer>> = {}): FakeDaemon {
  return new FakeDaemon({ 'backup.start': oneStarted, 'action.result': endingAs(end), ...further });
}

/** As lists have it, without the result. */
export function listedAction(change: Partial<Action> = {}): Action {
  const { result: _, ...listed } = action(change);
  return listed;
}
