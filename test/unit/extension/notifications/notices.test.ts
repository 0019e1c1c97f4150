import assert from 'node:assert/strict';
import { noticesOf } from '../../../../extension/notifications/notices.ts';
import { otherId, someAlert } from '../samples.ts';

describe('notices', () => {
  it('are made of open alerts that are errors, and of no others', () => {
    const alerts = [
      someAlert({ fix: 'Look at the log.' }),
      someAlert({ severity: 'warning' }),
      someAlert({ state: 'acknowledged' }),
      someAlert({ state: 'snoozed' }),
    ];
    assert.deepEqual(
      noticesOf(alerts, 'unlocked', []).map(({ key, severity, sentence, way }) => [key, severity, sentence, way.command]),
      [['alert.backupFailed', 'error', 'The last backup of home failed. Look at the log.', 'holdfast.showAlerts']],
    );
  });

  it('say why it happened where that can be told, and the way out else', () => {
    const [notice] = noticesOf([someAlert({ fix: 'Look at the log.', detail: 'The disk is full.' })], 'unlocked', []);
    assert.equal(notice?.sentence, 'The last backup of home failed. The disk is full.');
  });

  it('are none of a kind that the user muted', () => {
    assert.deepEqual(noticesOf([someAlert()], 'unlocked', ['alert.backupFailed']), []);
  });

  it('are one for all runs that wait for an unlocked daemon, and none once it is', () => {
    const overdue = someAlert({ kind: 'policyOverdue', severity: 'warning', message: 'home has produced nothing for two days.' });
    const alerts = [overdue, { ...overdue, id: otherId }];
    const [notice, ...others] = noticesOf(alerts, 'locked', []);
    assert.deepEqual(others, []);
    assert.equal(notice?.key, 'lockedWithDueRun');
    assert.equal(notice.way.command, 'holdfast.unlock');
    assert.match(notice.sentence, /home has produced nothing/);
    assert.deepEqual(noticesOf(alerts, 'unlocked', []), []);
    assert.deepEqual(noticesOf(alerts, 'locked', ['lockedWithDueRun']), []);
  });

  it('are one about locks that are not extended while it is locked, which unlocks it', () => {
    const alerts = [someAlert({ kind: 'lockedTooLong', message: 'The locks of vault are not extended.', fix: 'Unlock the daemon.' })];
    const [notice, ...others] = noticesOf(alerts, 'locked', []);
    assert.deepEqual(others, []);
    assert.equal(notice?.sentence, 'The locks of vault are not extended. Unlock the daemon.');
    assert.equal(notice.way.command, 'holdfast.unlock');
  });

  it('M6: hold no link and no icon of a hostile message', () => {
    const [notice] = noticesOf([someAlert({ message: '[x](command:evil) $(zap)\u202e' })], 'unlocked', []);
    assert.equal(notice?.sentence, String.raw`[x] (command:evil) $ (zap)\u202e`);
  });
});
