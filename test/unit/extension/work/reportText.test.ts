import assert from 'node:assert/strict';
import { actionTitle, outcomeSentence } from '../../../../extension/work/outcomeText.ts';
import { reportText } from '../../../../extension/work/reportText.ts';
import type { ActionWithResult } from '../../../../protocol/methods/actions.ts';
import { type BackupDocument, backupDocument } from '../../../../protocol/methods/backups.ts';
import { garbageDocument } from '../../../../protocol/methods/garbage.ts';
import { verifyDocument } from '../../../../protocol/methods/restorePoints.ts';
import { noon, otherId, someId } from '../samples.ts';

function someAction(changes: Partial<ActionWithResult>): ActionWithResult {
  return {
    actionId: someId,
    kind: 'backup',
    subject: 'home',
    state: 'complete',
    startedBy: 'user',
    queuedAt: noon,
    startedAt: noon,
    finishedAt: noon,
    progress: { phase: 'done', files: 0, bytes: 0, totalFiles: null, totalBytes: null, fraction: null, rate: 0, secondsLeft: null },
    error: null,
    result: null,
    ...changes,
  };
}

function someBackup(changes: Partial<BackupDocument>): Readonly<Record<string, unknown>> {
  return {
    ...backupDocument.parse({
      actionId: someId,
      policy: 'home',
      policyId: otherId,
      restorePointId: someId,
      outcome: 'complete',
      files: 12,
      bytes: 4096,
      addedBytes: 2048,
      skipped: [],
      skippedCount: 0,
      warnings: [],
      warningsCount: 0,
      commands: [],
      hooks: { before: null, after: null },
      seconds: 3,
      ...changes,
    }),
  };
}

const nothing = { skipped: [], damaged: [] };

describe('the sentence about an action', () => {
  const verified = {
    ...verifyDocument.parse({
      actionId: someId,
      restorePointId: someId,
      ok: true,
      checkedObjects: 5,
      checkedBytes: 2048,
      damaged: [],
      damagedCount: 0,
      notes: [],
      seconds: 1,
    }),
  };
  const collected = {
    ...garbageDocument.parse({
      location: 'store',
      locationId: someId,
      freedBytes: 2048,
      freedObjects: 1,
      waiting: [{ until: noon, bytes: 1024 }],
      partlyUsedBytes: 0,
      stopped: [],
      dryRun: false,
    }),
  };
  const table: readonly (readonly [string, Partial<ActionWithResult>])[] = [
    ['Backup of home: 12 files, 2.00 KiB added, 3.0 s', { result: someBackup({}) }],
    ['Verification of 0a0a0a0a: 5 objects checked, 2.00 KiB, nothing is damaged', { kind: 'verify', subject: someId, result: verified }],
    [
      'Verification of 0a0a0a0a: 5 objects checked, 2.00 KiB, something is damaged',
      { kind: 'verify', subject: someId, result: { ...verified, ok: false } },
    ],
    ['Garbage collection of store: 2.00 KiB freed, 1.00 KiB go later', { kind: 'collectGarbage', subject: 'store', result: collected }],
    ['Backup of home: done', { result: { odd: true } }],
  ];
  for (const [sentence, changes] of table) it(`reads ${sentence}`, () => assert.equal(outcomeSentence(someAction(changes)), sentence));

  it('M7: spells out what a hostile name holds, and calls a kind of a newer daemon by its own word', () => {
    assert.equal(actionTitle('backup', 'a\u202eb\n'), String.raw`Backup of a\u202eb\n`);
    assert.equal(actionTitle('rehearse', 'x'), 'rehearse x');
  });
});

describe('the report of an action', () => {
  it('says what it did, and names all that was left out, each command and each hook', () => {
    const text = reportText(
      someAction({
        state: 'completeWithWarnings',
        result: someBackup({
          outcome: 'completeWithWarnings',
          skippedCount: 4,
          warnings: ['a changed while it was read'],
          warningsCount: 1,
          commands: [
            {
              name: 'db',
              exitStatus: 1,
              signal: null,
              seconds: 2,
              standardError: 'no such\u001b[31m table\nat\tline 1\n',
              problem: 'it ended with status 1',
              bytes: 0,
              kept: false,
            },
          ],
          hooks: { before: { exitStatus: 0, signal: null, seconds: 1, standardError: '', problem: null }, after: null },
        }),
      }),
      {
        skipped: [
          { path: 'db', reason: 'its command failed: it ended with status 1' },
          { path: '/a\u202eb', reason: 'no permission' },
          { path: '/c', reason: 'it is gone' },
        ],
        damaged: [],
      },
    );
    assert.match(text, /^Backup of home\n/);
    assert.match(text, /\nOutcome {2,}complete, with warnings\n/);
    assert.match(text, /\nAdded {2,}2\.00 KiB\n/);
    assert.match(text, /\nHook before the run\n {2}exit status 0, 1\.0 s\n/);
    assert.match(
      text,
      /\nCommand db\n {2}exit status 1, 2\.0 s\n {2}Failed: it ended with status 1\n {2}> no such\\x1b\[31m table\n {2}> at {6}line 1\n/,
    );
    assert.match(text, /\nWarnings\n {2}a changed while it was read\n/);
    assert.match(text, /\nNot in the restore point \(3\)\n {2}\/a\\u202eb: no permission\n {2}\/c: it is gone\n {2}and 1 more\n/);
  });

  it('says why one failed and what to do, also where there is no document', () => {
    const error = { code: 'storeFull', message: 'Failed to write: it is full.', fix: 'Make room.', details: null };
    const text = reportText(someAction({ state: 'failed', error }), nothing);
    assert.match(text, /\nFailed to write: it is full\.\nMake room\.\n/);
  });

  it('has no section for what there is nothing of', () => {
    const text = reportText(someAction({ result: someBackup({}) }), nothing);
    assert.doesNotMatch(text, /Warnings|Not in|Hook|Command/);
  });
});
