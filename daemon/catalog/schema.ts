import type { DatabaseSync } from 'node:sqlite';

/** One step from the schema version before it. Steps that shipped are never changed. */
export interface Migration {
  readonly version: number;
  readonly run: (database: DatabaseSync) => void;
}

/** "HOLD", in the header of the file. */
export const applicationId = 0x484f4c44;

/**
 * Ids and times are text (UUIDs; RFC 3339 UTC with three decimals, which sort as text), truth values 0 or 1, JSON text, sealed cells blobs.
 * Every table has a primary key and ends with the digest of its row.
 */
const first = `
CREATE TABLE installation (
  single INTEGER NOT NULL PRIMARY KEY CHECK (single = 1), installationId TEXT NOT NULL, masterKeyId BLOB NOT NULL, keyEpoch INTEGER NOT NULL,
  createdAt TEXT NOT NULL, digest BLOB NOT NULL) STRICT;

CREATE TABLE passkeys (
  slotId TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, slot TEXT NOT NULL, state TEXT NOT NULL,
  inUse INTEGER NOT NULL, createdAt TEXT NOT NULL, verifiedAt TEXT, digest BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX passkeysByName ON passkeys (name) WHERE state <> 'retired';
CREATE UNIQUE INDEX passkeyInUse ON passkeys (inUse) WHERE inUse = 1;

CREATE TABLE keyrings (
  sequence INTEGER NOT NULL, objectId BLOB NOT NULL, bytes BLOB NOT NULL, createdAt TEXT NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY (sequence, objectId)) STRICT;

CREATE TABLE locations (
  locationId TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, spec TEXT NOT NULL, storeId TEXT NOT NULL,
  createdAt TEXT NOT NULL, lastValidatedAt TEXT, digest BLOB NOT NULL) STRICT;
CREATE INDEX locationsByStore ON locations (storeId);

CREATE TABLE keyringCopies (
  locationId TEXT NOT NULL REFERENCES locations (locationId), sequence INTEGER NOT NULL, key TEXT NOT NULL, versionId TEXT,
  readBackAt TEXT NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (locationId, key)) STRICT;

CREATE TABLE policies (
  policyId TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, locationId TEXT REFERENCES locations (locationId), definition BLOB NOT NULL,
  keyGeneration INTEGER NOT NULL, createdAt TEXT NOT NULL, paused INTEGER NOT NULL, deletedAt TEXT, digest BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX policiesByName ON policies (name) WHERE deletedAt IS NULL;
CREATE INDEX policiesByLocation ON policies (locationId);

CREATE TABLE restorePoints (
  id TEXT NOT NULL PRIMARY KEY, policyId TEXT NOT NULL REFERENCES policies (policyId), sequence INTEGER NOT NULL, manifestKey TEXT NOT NULL,
  versionId TEXT, sha256 BLOB NOT NULL, length INTEGER NOT NULL, storeId TEXT NOT NULL,
  startedAt TEXT NOT NULL CHECK (length(startedAt) = 24), finishedAt TEXT NOT NULL CHECK (length(finishedAt) = 24), storeTime TEXT,
  files INTEGER NOT NULL, bytes INTEGER NOT NULL, addedBytes INTEGER NOT NULL, outcome TEXT NOT NULL, state TEXT NOT NULL, pinned INTEGER NOT NULL,
  verifiedAt TEXT, verifiedResult TEXT, details BLOB NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE INDEX restorePointsBySequence ON restorePoints (policyId, sequence, id);
CREATE INDEX restorePointsByTime ON restorePoints (startedAt, id);

CREATE TABLE objects (
  locationId TEXT NOT NULL REFERENCES locations (locationId), objectKey TEXT NOT NULL, policyId TEXT, kind TEXT NOT NULL, objectId BLOB NOT NULL,
  versionId TEXT, size INTEGER NOT NULL, sha256 BLOB NOT NULL, state TEXT NOT NULL, recordedAt TEXT NOT NULL, readBackAt TEXT, retainUntil TEXT,
  digest BLOB NOT NULL, PRIMARY KEY (locationId, objectKey)) STRICT;
CREATE INDEX objectsByState ON objects (locationId, state, objectKey);
CREATE INDEX objectsByPolicy ON objects (policyId, locationId, objectKey);

CREATE TABLE runPins (
  actionId TEXT NOT NULL, locationId TEXT NOT NULL, objectKey TEXT NOT NULL, reason TEXT NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY (actionId, locationId, objectKey)) STRICT;
CREATE INDEX runPinsByObject ON runPins (locationId, objectKey);

CREATE TABLE actions (
  actionId TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, requestId TEXT NOT NULL UNIQUE,
  queuedAt TEXT NOT NULL CHECK (length(queuedAt) = 24), startedAt TEXT, finishedAt TEXT, progress TEXT NOT NULL, errorCode TEXT,
  error BLOB, result BLOB, digest BLOB NOT NULL) STRICT;
CREATE INDEX actionsByTime ON actions (queuedAt, actionId);
CREATE INDEX actionsByState ON actions (state);

CREATE TABLE findings (
  actionId TEXT NOT NULL REFERENCES actions (actionId), list TEXT NOT NULL, block INTEGER NOT NULL, items BLOB NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY (actionId, list, block)) STRICT;

CREATE TABLE sequences (scope TEXT NOT NULL PRIMARY KEY, last INTEGER NOT NULL, digest BLOB NOT NULL) STRICT;
`;

/** What an action works on, whatever it is called meanwhile: the id of a backup's policy. */
const second = `
ALTER TABLE actions ADD COLUMN subjectId TEXT;
CREATE INDEX actionsBySubject ON actions (subjectId);
`;

/** What the user must know; `detail` is sealed, since it may name files. One alert that is not resolved for each kind and subject. */
const alerts = `
CREATE TABLE alerts (
  alertId TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, subjectId TEXT NOT NULL, subject TEXT NOT NULL, severity TEXT NOT NULL,
  message TEXT NOT NULL, fix TEXT, detail BLOB, since TEXT NOT NULL CHECK (length(since) = 24), safeUntil TEXT, state TEXT NOT NULL,
  policyId TEXT, locationId TEXT, restorePointId TEXT, slotId TEXT, snoozedAt TEXT, snoozedUntil TEXT, resolvedAt TEXT, digest BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX alertsRaised ON alerts (kind, subjectId) WHERE resolvedAt IS NULL;
CREATE INDEX alertsByTime ON alerts (since, alertId);
`;

/** What is set for the daemon as a whole, as JSON. */
const settings = `
CREATE TABLE settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, digest BLOB NOT NULL) STRICT;
`;

/**
 * Who asked for an action; and what is remembered of each schedule. A schedule is not sealed: while the daemon is locked, it still has to be known what is
 * overdue.
 */
const schedules = `
ALTER TABLE actions ADD COLUMN startedBy TEXT NOT NULL DEFAULT 'user';
CREATE TABLE schedules (
  policyId TEXT NOT NULL PRIMARY KEY REFERENCES policies (policyId), schedule TEXT NOT NULL, since TEXT NOT NULL, doneUntil TEXT NOT NULL,
  failures INTEGER NOT NULL, retryAt TEXT, digest BLOB NOT NULL) STRICT;
`;

/** Bytes a second that may go to a location; none: no limit. */
const uploadLimits = `
ALTER TABLE locations ADD COLUMN uploadLimit INTEGER;
`;

/**
 * What a location with locks needs. `lockReadAt` is the store time at which `retainUntil` was read back: without it nobody knows of a lock. `number` orders
 * the objects of a location, so that what a restore point reaches is a few runs of numbers. None of it is sealed: a locked daemon goes on extending.
 */
const locks = `
ALTER TABLE locations ADD COLUMN lockMode TEXT;
ALTER TABLE locations ADD COLUMN protectionPeriodDays INTEGER;
ALTER TABLE locations ADD COLUMN credentials BLOB;
ALTER TABLE locations ADD COLUMN validated TEXT;
ALTER TABLE locations ADD COLUMN lockProof TEXT;
ALTER TABLE objects ADD COLUMN lockReadAt TEXT;
ALTER TABLE objects ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE objects SET number = rowid;
CREATE UNIQUE INDEX objectsByNumber ON objects (locationId, number);
CREATE INDEX objectsByLock ON objects (locationId, ifnull(retainUntil, ''), objectKey);
CREATE TABLE reaches (
  restorePointId TEXT NOT NULL PRIMARY KEY, locationId TEXT NOT NULL, policyId TEXT NOT NULL, runs BLOB NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE INDEX reachesByLocation ON reaches (locationId, policyId);
CREATE TABLE lockRuns (locationId TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE TABLE tamperFindings (
  locationId TEXT NOT NULL, kind TEXT NOT NULL, objectKey TEXT NOT NULL, versionId TEXT NOT NULL, firstSeen TEXT NOT NULL, lastSeen TEXT NOT NULL,
  storeTime TEXT, detail TEXT NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (locationId, kind, objectKey, versionId)) STRICT;
`;

/** Until when a lock should have been that an audit found to be shorter. */
const shortenedLocks = `
ALTER TABLE tamperFindings ADD COLUMN expectedUntil TEXT;
`;

/** What this machine knows of passkeys whose keys are at KMS or Vault: how it reaches them and what they last said. Not sealed but for credentials that were handed over: it is needed while locked. */
const serviceKeys = `
CREATE TABLE serviceKeys (
  slotId TEXT NOT NULL PRIMARY KEY, access TEXT NOT NULL, credentials BLOB, facts TEXT, problem TEXT, checkedAt TEXT, leftKeyringsAt TEXT, replaces TEXT,
  rotateEveryDays INTEGER, digest BLOB NOT NULL) STRICT;
`;

/** Since when a key service does not do what it is asked, the end of a token that renewal did not move, and why a rotation by itself came to nothing. */
const serviceKeyTroubles = `
ALTER TABLE serviceKeys ADD COLUMN problemSince TEXT;
ALTER TABLE serviceKeys ADD COLUMN tokenStuckAt TEXT;
ALTER TABLE serviceKeys ADD COLUMN rotationTrouble TEXT;
`;

/**
 * Passkeys of every kind can be left out of new keyrings and stand in for another one while that is rotated. The one in use is never left out: where it was,
 * keyrings are written anew.
 */
const passkeyRoles = `
ALTER TABLE passkeys ADD COLUMN leftKeyringsAt TEXT;
ALTER TABLE passkeys ADD COLUMN replaces TEXT;
UPDATE passkeys SET leftKeyringsAt = (SELECT leftKeyringsAt FROM serviceKeys WHERE serviceKeys.slotId = passkeys.slotId),
  replaces = (SELECT replaces FROM serviceKeys WHERE serviceKeys.slotId = passkeys.slotId);
UPDATE sequences SET last = last + 1
  WHERE scope = 'keyring' AND EXISTS (SELECT 1 FROM passkeys WHERE inUse = 1 AND leftKeyringsAt IS NOT NULL);
UPDATE passkeys SET leftKeyringsAt = NULL, replaces = NULL WHERE inUse = 1;
ALTER TABLE serviceKeys DROP COLUMN leftKeyringsAt;
ALTER TABLE serviceKeys DROP COLUMN replaces;
`;

/** Keyrings that are locked at locations that were removed: what is in them is needed until their locks end. */
const formerKeyrings = `
CREATE TABLE formerKeyrings (
  storeId TEXT NOT NULL, objectKey TEXT NOT NULL, location TEXT NOT NULL, sequence INTEGER NOT NULL, readBackAt TEXT NOT NULL, retainUntil TEXT, lockReadAt TEXT,
  digest BLOB NOT NULL, PRIMARY KEY (storeId, objectKey)) STRICT;
`;

/** Rotations to another KMS key that have been begun. Not sealed: the tag stands in AWS too, once a key has it. */
const begunRotations = `
CREATE TABLE begunRotations (slotId TEXT NOT NULL PRIMARY KEY, tag TEXT NOT NULL, alias TEXT, keyArn TEXT, digest BLOB NOT NULL) STRICT;
`;

/** An audit of several locations is one action, so each location knows by itself when one came through there. */
const audits = `
ALTER TABLE locations ADD COLUMN auditedAt TEXT;
UPDATE locations SET auditedAt = (SELECT max(finishedAt) FROM actions
  WHERE kind = 'auditLocks' AND subjectId = locations.locationId AND (errorCode = 'tampered' OR state IN ('complete', 'completeWithWarnings')));
`;

/**
 * The audit log: each row holds its entry as JSON text and the hash that chains it to the row before (docs/format.md, The audit log). `outcome` and `ends`
 * stand in the entry as well. Not sealed: a locked daemon writes it, and no name and no secret is in it.
 */
const auditLog = `
CREATE TABLE auditLog (
  sequence INTEGER NOT NULL PRIMARY KEY, outcome TEXT NOT NULL, ends INTEGER, entry TEXT NOT NULL, hash BLOB NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE INDEX auditLogByOutcome ON auditLog (outcome, sequence) WHERE outcome = 'begun';
CREATE UNIQUE INDEX auditLogByEnds ON auditLog (ends) WHERE ends IS NOT NULL;
`;

/**
 * Disaster recovery, in one row while it is on: where bundles go, `DRK ‖ nameKey` as a sealed cell, the slot that every bundle carries. `bundles`: those that were
 * put; size, version and lock of each stand in the ledger. Not sealed: a locked daemon goes on extending.
 */
const bundles = `
CREATE TABLE recovery (
  single INTEGER NOT NULL PRIMARY KEY CHECK (single = 1), locationId TEXT NOT NULL, drkId BLOB NOT NULL, drKeys BLOB NOT NULL, drSlot BLOB NOT NULL,
  schedule TEXT NOT NULL, afterBackups INTEGER NOT NULL, enabledAt TEXT NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE TABLE bundles (
  bundleId TEXT NOT NULL PRIMARY KEY, locationId TEXT NOT NULL, objectKey TEXT NOT NULL, drkId BLOB NOT NULL, sequence INTEGER NOT NULL, created TEXT NOT NULL,
  base TEXT, copyId TEXT NOT NULL, keyringKey TEXT NOT NULL, restorePoints INTEGER NOT NULL, isWhole INTEGER NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE INDEX bundlesBySequence ON bundles (locationId, sequence);
`;

/** Who owns each store, as this daemon has seen it last. */
const ownerships = `
CREATE TABLE ownerships (
  storeId TEXT NOT NULL PRIMARY KEY, highest INTEGER, highestSha256 BLOB, own INTEGER, ownSha256 BLOB, ownVersionId TEXT, setAside TEXT,
  digest BLOB NOT NULL) STRICT;
`;

/**
 * Policies of other installations that were imported, beside their rows in `policies`: whose they are, their keys as a sealed cell of bytes, and how often
 * their restore points are looked for. `problem` is sealed: why the last look came to nothing.
 */
const importedPolicies = `
CREATE TABLE importedPolicies (
  policyId TEXT NOT NULL PRIMARY KEY, installationId TEXT NOT NULL, storeId TEXT NOT NULL, migrationKeys BLOB NOT NULL, fingerprint TEXT NOT NULL,
  madeAt TEXT NOT NULL, importedAt TEXT NOT NULL, pollSeconds INTEGER, refreshedAt TEXT NOT NULL, triedAt TEXT NOT NULL, problem BLOB,
  digest BLOB NOT NULL) STRICT;
`;

export const migrations: readonly Migration[] = [
  { version: 1, run: (database) => database.exec(first) },
  { version: 2, run: (database) => database.exec(second) },
  { version: 3, run: (database) => database.exec(alerts) },
  { version: 4, run: (database) => database.exec(settings) },
  { version: 5, run: (database) => database.exec(schedules) },
  { version: 6, run: (database) => database.exec(uploadLimits) },
  { version: 7, run: (database) => database.exec(locks) },
  { version: 8, run: (database) => database.exec(shortenedLocks) },
  { version: 9, run: (database) => database.exec(serviceKeys) },
  { version: 10, run: (database) => database.exec(serviceKeyTroubles) },
  { version: 11, run: (database) => database.exec(passkeyRoles) },
  { version: 12, run: (database) => database.exec(begunRotations) },
  { version: 13, run: (database) => database.exec(formerKeyrings) },
  { version: 14, run: (database) => database.exec(audits) },
  { version: 15, run: (database) => database.exec(auditLog) },
  { version: 16, run: (database) => database.exec(bundles) },
  { version: 17, run: (database) => database.exec(ownerships) },
  { version: 18, run: (database) => database.exec(importedPolicies) },
];
