import assert from 'node:assert/strict';
import type { ActionHistory } from '../../../daemon/actions/actionQueue.ts';
import { AuditedActions } from '../../../daemon/auditLog/auditedActions.ts';
import type { ActionWithResult } from '../../../protocol/methods/actions.ts';
import { methods } from '../../../protocol/methods/index.ts';
import { AuditBench } from '../../support/auditBench.ts';
import { someAction } from '../../support/catalog.ts';
import { newId } from '../../support/ids.ts';

describe('actions in the audit log', () => {
  let bench: AuditBench;
  let actions: AuditedActions;
  beforeEach(() => {
    bench = new AuditBench();
    actions = new AuditedActions(bench.catalog.actions, bench.log, methods);
  });
  afterEach(() => bench[Symbol.dispose]());

  const shown = (): unknown => bench.entries().map(({ verb, outcome, code, client, subjects }) => [verb, outcome, code, client, subjects]);

  /** Through its life, as the queue tells the history. */
  function live(action: ActionWithResult, end: Partial<ActionWithResult>, subjectId: string | null = null): void {
    actions.insert(action, newId(), subjectId);
    actions.update({ ...action, state: 'running' });
    actions.update({ ...action, ...end });
  }

  it('that a client has asked for are written down as they end, and as nothing before: it is in the log already', () => {
    const collection = someAction({ kind: 'collectGarbage', state: 'queued' });
    live(collection, { state: 'completeWithWarnings' }, newId());
    const error = { code: 'wrongSecret', message: 'Failed to import: a passphrase that is canary.', fix: null, details: null };
    const rescue = someAction({ kind: 'importStored', state: 'queued' });
    live(rescue, { state: 'failed', error });
    const cancelled = someAction({ kind: 'importStored', state: 'queued' });
    live(cancelled, { state: 'cancelled', error: { ...error, code: 'cancelled' } });
    assert.deepEqual(shown(), [
      ['location.collectGarbage', 'done', null, null, [{ kind: 'action', id: collection.actionId }]],
      ['recovery.importStored', 'failed', 'wrongSecret', null, [{ kind: 'action', id: rescue.actionId }]],
      ['recovery.importStored', 'cancelled', 'cancelled', null, [{ kind: 'action', id: cancelled.actionId }]],
    ]);
    assert.equal(bench.catalog.actions.get(rescue.actionId)?.state, 'failed', 'and the history has them');
  });

  it('that a schedule has started are written down before they are there, with what they work on', () => {
    const slotId = newId();
    const rotation = someAction({ kind: 'rotatePasskey', state: 'queued', startedBy: 'schedule' });
    live(rotation, { state: 'complete' }, slotId);
    const itself = { kind: 'action', id: rotation.actionId };
    assert.deepEqual(shown(), [
      ['passkey.rotate', 'started', null, null, [{ kind: 'passkey', id: slotId }, itself]],
      ['passkey.rotate', 'done', null, null, [itself]],
    ]);
  });

  it('X4: that a schedule would start do not start where the log can not be written', () => {
    const started: string[] = [];
    const history: ActionHistory = {
      insert: ({ kind }) => void started.push(kind),
      update: () => undefined,
      findByRequestId: () => undefined,
    };
    bench.catalog.close();
    const unlogged = new AuditedActions(history, bench.log, methods);
    assert.throws(() => unlogged.insert(someAction({ kind: 'rotatePasskey', startedBy: 'schedule' }), newId(), newId()));
    unlogged.insert(someAction({ kind: 'backup', startedBy: 'schedule' }), newId(), newId());
    unlogged.update(someAction({ kind: 'rotatePasskey', state: 'complete' }));
    assert.deepEqual([started, bench.unwritten], [['backup'], ['passkey.rotate']]);
  });

  it('X1: that a kill cut off have an end that nobody knows', () => {
    const rescue = someAction({ kind: 'importStored' });
    const backup = someAction({ kind: 'backup' });
    for (const action of [rescue, backup]) actions.insert(action, newId(), null);
    bench.restart();
    const interrupted = bench.catalog.actions
      .failInterrupted('2026-01-01T00:00:00.000Z')
      .flatMap((id) => bench.catalog.actions.get(id) ?? []);
    new AuditedActions(bench.catalog.actions, bench.log, methods).interrupted(interrupted);
    assert.deepEqual(shown(), [['recovery.importStored', 'unknown', 'daemonEnded', null, [{ kind: 'action', id: rescue.actionId }]]]);
  });

  it('that change no rights are not in it', () => {
    for (const kind of ['backup', 'restore', 'verify', 'refreshLocks', 'auditLocks', 'proveLock'] as const) {
      live(someAction({ kind, state: 'queued', startedBy: 'schedule' }), { state: 'complete' });
    }
    assert.deepEqual(shown(), []);
  });
});
