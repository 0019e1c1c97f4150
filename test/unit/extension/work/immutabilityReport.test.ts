import assert from 'node:assert/strict';
import { outcomeSentence } from '../../../../extension/work/outcomeText.ts';
import { reportText } from '../../../../extension/work/reportText.ts';
import type { ActionKind, ActionWithResult } from '../../../../protocol/methods/actions.ts';
import { auditDocument, lockProofDocument, refreshDocument } from '../../../../protocol/methods/immutability.ts';
import { noon, someId } from '../samples.ts';

function ended(kind: ActionKind, result: object, changes: Partial<ActionWithResult> = {}): ActionWithResult {
  return {
    actionId: someId,
    kind,
    subject: 'vault',
    state: 'complete',
    startedBy: 'user',
    queuedAt: noon,
    startedAt: noon,
    finishedAt: noon,
    progress: { phase: 'done', files: 0, bytes: 0, totalFiles: null, totalBytes: null, fraction: null, rate: 0, secondsLeft: null },
    error: null,
    result: { ...result },
    ...changes,
  };
}

const nothing = { skipped: [], damaged: [] };
const refreshed = (extended: number): object =>
  refreshDocument.parse({
    extended,
    locations: [{ location: 'vault', locationId: someId, extended, missing: ['packs/\u202e'], refused: ['packs/b'], error: 'It is away.' }],
    seconds: 2,
  });
const finding = {
  kind: 'deleteMarker',
  key: 'packs/a\u202e',
  versionId: 'v1',
  firstSeen: noon,
  storeTime: noon,
  detail: 'It hides the object.',
  location: 'vault',
};
const audited = (findings: readonly object[]): object =>
  auditDocument.parse({
    findings,
    findingsCount: findings.length,
    tamperedSince: findings.length === 0 ? null : noon,
    versions: 40,
    seconds: 1,
  });
const proved = (verdict: string, got: string): object =>
  lockProofDocument.parse({
    verdict,
    at: noon,
    attempts: [
      { attempt: 'deleteVersion', expected: 'refused', got },
      { attempt: 'shorten', expected: 'refused', got: 'refused' },
    ],
    reason: verdict === 'enforced' ? null : 'The store let it go.',
    signature: '',
  });

describe('the sentence about what was done with locks', () => {
  const table: readonly (readonly [string, ActionWithResult])[] = [
    ['Refresh of the locks of vault: no lock was too short', ended('refreshLocks', refreshed(0))],
    ['Refresh of the locks of vault: 1,200 locks extended', ended('refreshLocks', refreshed(1200))],
    ['Audit of vault: 40 versions, all as it was put', ended('auditLocks', audited([]))],
    ['Audit of vault: 40 versions, 1 finding', ended('auditLocks', audited([finding]))],
    ['Lock proof of vault: proved, by 2 attempts', ended('proveLock', proved('enforced', 'refused'))],
    ['Lock proof of vault: not proved', ended('proveLock', proved('notEnforced', 'accepted'))],
  ];
  for (const [sentence, action] of table) it(`reads ${sentence}`, () => assert.equal(outcomeSentence(action), sentence));
});

describe('the report of what was done with locks', () => {
  it('R1: names every finding, with what it is, since when, and the way out', () => {
    const error = { code: 'tampered', message: 'The audit of vault found 1 thing.', fix: 'Revoke them.', details: {} };
    const text = reportText(ended('auditLocks', audited([finding]), { state: 'failed', error }), nothing);
    assert.match(text, /\nOutcome {2,}somebody tampered\n/);
    assert.match(text, /\nFindings {2,}1\n/);
    assert.match(text, /\nTampered since {2,}2026-11-21 12:00\n/);
    assert.match(text, /\nThe audit of vault found 1 thing\.\nRevoke them\.\n/);
    assert.match(
      text,
      /\n {2}vault: a delete marker: packs\/a\\u202e\n {4}It hides the object\.\n {4}happened .* · first seen .* · version v1\n/,
    );
  });

  it('calls a finding of a newer daemon by its own word', () => {
    const text = reportText(ended('auditLocks', audited([{ ...finding, kind: 'odd\u202e', storeTime: null, versionId: null }])), nothing);
    assert.match(text, /vault: odd\\u202e: packs/);
    assert.doesNotMatch(text, /happened|version v1/);
  });

  it('has no list of findings where there are none', () => {
    assert.doesNotMatch(reportText(ended('auditLocks', audited([])), nothing), /\n\nFindings/);
  });

  it('names objects that are gone, and those whose lock the store did not take', () => {
    const text = reportText(ended('refreshLocks', refreshed(3)), nothing);
    assert.match(text, /\nLocks extended {2,}3\n/);
    assert.match(text, /\nvault: not in the store any more\n {2}packs\/\\u202e\n/);
    assert.match(text, /\nvault: lock not extended\n {2}packs\/b\n/);
    assert.match(text, /\nvault: failed\n {2}It is away\.\n/);
  });

  it('S7: tells of a proof what was tried, and marks what went otherwise than it should', () => {
    const text = reportText(ended('proveLock', proved('bypassable', 'accepted')), nothing);
    assert.match(text, /\nVerdict {2,}bypassable\n/);
    assert.match(text, /\nReason {2,}The store let it go\.\n/);
    assert.match(text, /\n {2}deleteVersion: accepted, and should have been refused\n {2}shorten: refused\n/);
  });
});
