import type { Alert } from '../../../protocol/methods/alerts.ts';
import type { LocationImmutability } from '../../../protocol/methods/immutability.ts';
import type { Location } from '../../../protocol/methods/locations.ts';
import type { Passkey } from '../../../protocol/methods/passkeys.ts';
import { type Policy, usualRunRules, usualSourceRules } from '../../../protocol/methods/policies.ts';
import type { Entry, RestorePoint } from '../../../protocol/methods/restorePoints.ts';
import type { RunningAction, StatusResult } from '../../../protocol/methods/session.ts';

/** What the daemon answers, as tests of the extension's facts need it: each in its plainest form, with the differences on top. */

export const someId = '0a0a0a0a-0000-4000-8000-000000000001';
export const otherId = '0a0a0a0a-0000-4000-8000-000000000002';

/** Local noon, so that no time zone makes another day of it. */
export const noon: string = new Date(2026, 10, 21, 12, 0).toISOString();

/** An hour behind noon. */
export const now: Date = new Date(2026, 10, 21, 13, 0);

export function somePolicy(changes: Partial<Policy> = {}): Policy {
  return {
    ...usualSourceRules,
    ...usualRunRules,
    policyId: someId,
    name: 'home',
    sources: [],
    location: 'store',
    locationId: otherId,
    paused: false,
    createdAt: noon,
    nextRunAt: null,
    lastRun: null,
    restorePoints: 0,
    problem: null,
    imported: null,
    ...changes,
  };
}

export function somePoint(changes: Partial<RestorePoint> = {}): RestorePoint {
  return {
    id: someId,
    policy: 'home',
    policyId: otherId,
    sequence: 1,
    startedAt: noon,
    uploadEndTime: noon,
    storeTime: null,
    files: 3,
    bytes: 3000,
    addedBytes: 2048,
    protectedUntil: null,
    state: 'live',
    pinned: false,
    verified: null,
    anomaly: null,
    imported: false,
    description: null,
    ...changes,
  };
}

export function someEntry(changes: Partial<Entry> = {}): Entry {
  return { path: 'plans/trip.md', kind: 'file', mode: 0o644, size: 7, mtime: noon, linkTarget: null, pathBytes: null, ...changes };
}

export function somePasskey(changes: Partial<Passkey> = {}): Passkey {
  return {
    slotId: someId,
    name: 'main',
    kind: 'passphrase',
    inUse: false,
    state: 'ready',
    reference: {},
    createdAt: noon,
    verifiedAt: noon,
    retirableFrom: null,
    rotates: null,
    warnings: [],
    ...changes,
  };
}

export function someLocation(changes: Partial<Location> = {}): Location {
  return {
    locationId: someId,
    name: 'store',
    kind: 'filesystem',
    storeId: otherId,
    path: '/mnt/store',
    s3: null,
    lockMode: null,
    safeUntil: null,
    immutable: false,
    protectionPeriodDays: null,
    lastValidatedAt: null,
    lockProof: null,
    heldBytes: null,
    uploadLimit: null,
    ...changes,
  };
}

export function someLocks(changes: Partial<LocationImmutability> = {}): LocationImmutability {
  return {
    location: 'store',
    locationId: someId,
    protectionPeriodDays: 30,
    promisedDays: 30,
    safeUntil: noon,
    objects: 1200,
    shortest: { objectKey: 'packs/a', retainUntil: noon },
    slackSeconds: 3 * 86_400,
    lastRefresh: noon,
    nextRefresh: noon,
    isRefreshing: false,
    callsPerMonth: 240,
    lockProof: null,
    lastAudit: noon,
    findings: 0,
    clockSkewSeconds: 0,
    ...changes,
  };
}

export function someAlert(changes: Partial<Alert> = {}): Alert {
  return {
    id: someId,
    kind: 'backupFailed',
    severity: 'error',
    subject: 'home',
    message: 'The last backup of home failed.',
    since: noon,
    safeUntil: null,
    fix: null,
    state: 'open',
    detail: null,
    policyId: null,
    locationId: null,
    restorePointId: null,
    slotId: null,
    snoozedUntil: null,
    resolvedAt: null,
    ...changes,
  };
}

export function someAction(changes: Partial<RunningAction> = {}): RunningAction {
  return { actionId: otherId, kind: 'backup', subject: 'home', subjectId: someId, state: 'running', fraction: 0.426, ...changes };
}

export function someStatus(changes: Partial<StatusResult> = {}): StatusResult {
  return {
    state: 'unlocked',
    installationId: someId,
    version: '0.1.0',
    pid: 1,
    startedAt: noon,
    passkeyInUse: 'main',
    safeUntil: null,
    lastBackup: null,
    runningActions: [],
    alerts: { error: 0, warning: 0 },
    autoLock: null,
    unattended: null,
    readOnly: false,
    ...changes,
  };
}
