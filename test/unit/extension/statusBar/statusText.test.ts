import assert from 'node:assert/strict';
import type { DaemonHealth } from '../../../../extension/connection/daemonService.ts';
import { statusText } from '../../../../extension/statusBar/statusText.ts';
import { statusTooltip } from '../../../../extension/statusBar/statusTooltip.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import type { StatusResult } from '../../../../protocol/methods/session.ts';
import { noon, otherId, someAction, someId, someStatus } from '../samples.ts';

function connected(changes: Partial<StatusResult>): DaemonHealth {
  return { phase: 'connected', status: someStatus(changes), error: undefined };
}

const gone = new HoldfastError('versionMismatch', 'Failed to talk to the daemon: it is newer.');
const running = someAction();
const waiting = someAction({ state: 'queued', fraction: null });

describe('the status bar item', () => {
  const table: readonly (readonly [
    string,
    DaemonHealth,
    icon: string,
    detail: string,
    background: string,
    isQuiet: boolean,
    spoken: string,
  ])[] = [
    ['that is well', connected({}), 'shield', '', 'none', true, 'Holdfast'],
    ['before it is known', { phase: 'connecting', status: undefined, error: undefined }, 'shield', '', 'none', true, 'Holdfast'],
    [
      'without a daemon',
      { phase: 'away', status: undefined, error: undefined },
      'debug-disconnect',
      'not running',
      'none',
      false,
      'Holdfast, not running',
    ],
    [
      'that was refused',
      { phase: 'refused', status: undefined, error: gone },
      'error',
      'no connection',
      'error',
      false,
      'Holdfast, no connection',
    ],
    ['that is not set up', connected({ state: 'notSetUp' }), 'shield', 'not set up', 'none', true, 'Holdfast, not set up'],
    ['that is locked', connected({ state: 'locked' }), 'lock', 'locked', 'none', false, 'Holdfast, locked'],
    ['that works', connected({ runningActions: [running] }), 'sync', '42 %', 'none', false, 'Holdfast, working, 42 %'],
    ['that works twice', connected({ runningActions: [running, running] }), 'sync', '42 % +1', 'none', false, 'Holdfast, working, 42 % +1'],
    ['where more waits', connected({ runningActions: [running, waiting] }), 'sync', '42 % +1', 'none', false, 'Holdfast, working, 42 % +1'],
    ['where something only waits', connected({ runningActions: [waiting] }), 'shield', '', 'none', true, 'Holdfast'],
    ['with a warning', connected({ alerts: { error: 0, warning: 1 } }), 'warning', '', 'warning', false, 'Holdfast, 1 alert'],
    ['with errors', connected({ alerts: { error: 1, warning: 1 } }), 'error', '', 'error', false, 'Holdfast, 2 alerts'],
    [
      'that is locked with errors',
      connected({ state: 'locked', alerts: { error: 2, warning: 0 } }),
      'lock',
      'locked',
      'error',
      false,
      'Holdfast, locked, 2 alerts',
    ],
  ];
  for (const [what, health, icon, detail, background, isQuiet, spoken] of table) {
    it(`of one ${what} is "${detail}" with ${icon}`, () => {
      assert.deepEqual(statusText(health), { icon, spins: icon === 'sync', detail, spoken, background, isQuiet });
    });
  }
});

function links(health: DaemonHealth): string {
  return statusTooltip({ health, hostName: 'desk', nextRunAt: null }).value;
}

describe('the tooltip of the status bar item', () => {
  it('names the machine, the version, the last backup, the next run, and what runs with a way to cancel it', () => {
    const health = connected({ lastBackup: noon, runningActions: [running], safeUntil: noon });
    const { value, isTrusted } = statusTooltip({ health, hostName: 'desk', nextRunAt: noon });
    const text = value.replaceAll('\\', '');
    assert.match(text, /\*\*Holdfast\*\* 0\.1\.0 on desk/);
    assert.match(text, /\*\*Last backup\*\* 2026-11-21 12:00/);
    assert.match(text, /\*\*Next run\*\* 2026-11-21 12:00/);
    assert.match(text, /\*\*Safe until\*\* 2026-11-21 12:00/);
    assert.match(text, /\*\*Running\*\* Backup of home 42 % \[Cancel\]\(command:holdfast\.cancelAction\?/);
    assert.ok(text.includes(encodeURIComponent(JSON.stringify([otherId]))));
    assert.match(text, /\[Alerts\]\(command:holdfast\.showAlerts\) · \[Log\]\(command:holdfast\.showLog\)/);
    assert.ok(typeof isTrusted === 'object');
    assert.ok(isTrusted.enabledCommands.every((command) => command.startsWith('holdfast.')));
  });

  it('names what waits with a way to cancel it, and the number of what there is no room for', () => {
    const text = links(connected({ runningActions: [running, ...Array.from({ length: 12 }, () => waiting)] })).replaceAll('\\', '');
    assert.equal(text.match(/\*\*Waiting\*\* Backup of home \[Cancel\]/g)?.length, 9);
    assert.match(text, /\*\*Waiting\*\* 3 more/);
  });

  it('M6: makes no link of what a policy or an error is called', () => {
    const evil = '[x](command:holdfast.cancelAction?) <b>';
    const health = { ...connected({ runningActions: [{ ...running, subject: evil }] }), error: new HoldfastError('failed', evil) };
    const { value } = statusTooltip({ health, hostName: evil, nextRunAt: null });
    assert.doesNotMatch(value, /\[x\]\(command/);
  });

  it('says of a locked daemon that unlocks itself why it has not, and when it tries again', () => {
    const unattended = { kind: 'keyService', passkey: 'office', path: null, problem: 'Vault is sealed.', nextTryAt: noon } as const;
    const text = links(connected({ state: 'locked', unattended })).replaceAll('\\', '');
    assert.match(text, /\*\*Still locked\*\* Vault is sealed\.\s+\*\*Tries again\*\* 2026-11-21 12:00/);
    assert.doesNotMatch(links(connected({ state: 'locked', unattended: { ...unattended, nextTryAt: null } })), /Tries/);
    assert.doesNotMatch(links(connected({ unattended })), /Still locked|Tries/);
  });

  it('leads to what the state asks for', () => {
    assert.match(links(connected({ state: 'locked' })), /\[Unlock\]/);
    assert.match(links(connected({ state: 'notSetUp' })), /\[Set Up\]/);
    assert.match(links({ phase: 'away', status: undefined, error: undefined }), /\[Start Daemon\]/);
    assert.match(links(connected({ alerts: { error: 1, warning: 1 }, installationId: someId })), /Alerts \(2\)/);
  });
});
