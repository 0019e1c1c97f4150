import assert from 'node:assert/strict';
import { FakeDaemon } from './fakeDaemon.ts';
import { runWith } from './fakeHost.ts';
import { alert, hostile, otherId, policy, unlockedStatus } from './samples.ts';

const page = (items: readonly unknown[]): unknown => ({ items, next: null });

async function statusWith(alerts: unknown): Promise<string> {
  const daemon = new FakeDaemon({ 'session.status': () => ({ ...unlockedStatus, alerts }) });
  return (await runWith(['status'], { daemon })).out;
}

describe('cli alert', () => {
  it('lists what is not resolved, with a way out of each that is open', async () => {
    const quiet = {
      ...alert,
      id: otherId,
      state: 'acknowledged',
      severity: 'warning',
      message: 'The location disk is away.',
      fix: 'Plug it in.',
    };
    const daemon = new FakeDaemon({ 'alert.list': () => page([alert, quiet]) });
    const { out, status } = await runWith(['alert', 'list'], { daemon });
    assert.equal(status, 0);
    assert.match(
      out,
      /^ID +SEVERITY +STATE +MESSAGE +SINCE\n4f1c2a00 +error +open +The last run of work failed: a source is not there\. +2026/,
    );
    assert.match(out, /\naaaaaaaa +warning +acknowledged +The location disk is away\./);
    assert.match(out, /\n\n4f1c2a00 {2}Look at it with "holdfast action list"\.\n$/);
    assert.deepEqual(daemon.of('alert.list')[0]?.params, { all: false });
    const { json } = await runWith(['alert', 'list', '--all', '--json'], { daemon });
    assert.deepEqual(json(), [alert, quiet]);
    assert.deepEqual(daemon.of('alert.list')[1]?.params, { all: true });
  });

  it('says until when nothing is lost, where that is known', async () => {
    const lapsing = { ...alert, kind: 'slackHalf', message: 'The locks of vault get short.', safeUntil: '2026-03-04T12:00:00.000Z' };
    const daemon = new FakeDaemon({ 'alert.list': () => page([lapsing, alert]) });
    const { out } = await runWith(['alert', 'list'], { daemon });
    assert.match(out, /^ID +SEVERITY +STATE +MESSAGE +SINCE +SAFE UNTIL\n.* get short\. .* 2026-03-04 .*\(in 3 d\)\n.* -\n/);
  });

  it('says so where there is none', async () => {
    const { out } = await runWith(['alert', 'list'], { daemon: new FakeDaemon({ 'alert.list': () => page([]) }) });
    assert.equal(out, 'All clear.\n');
  });

  it('shows names that could act upon the terminal as text', async () => {
    const daemon = new FakeDaemon({ 'alert.list': () => page([{ ...alert, message: hostile, fix: hostile }]) });
    const { out } = await runWith(['alert', 'list'], { daemon });
    for (const unsafe of ['\u001b', '\u0007', '\u202e']) assert.ok(!out.includes(unsafe));
  });

  it('acknowledges, and snoozes for a while or until a time', async () => {
    const daemon = new FakeDaemon({
      'alert.acknowledge': () => ({ ...alert, state: 'acknowledged' }),
      'alert.snooze': () => ({ ...alert, state: 'snoozed', snoozedUntil: '2026-03-02T12:00:00.000Z' }),
    });
    const acknowledged = await runWith(['alert', 'acknowledge', '4f1c', '--json'], { daemon });
    assert.deepEqual(acknowledged.json(), { ...alert, state: 'acknowledged' });
    const snoozed = await runWith(['alert', 'snooze', '4f1c', '--for', '12h'], { daemon });
    assert.equal(snoozed.status, 0);
    assert.match(snoozed.out + snoozed.err, /Snoozed the alert 4f1c2a00 until 2026-03-02/);
    assert.equal((await runWith(['alert', 'snooze', '4f1c', '--until', '2026-03-02'], { daemon })).status, 0);
    assert.deepEqual(
      daemon.of('alert.snooze').map(({ params }) => params),
      [
        { alert: '4f1c', for: 43_200 },
        { alert: '4f1c', until: '2026-03-02T00:00:00.000Z' },
      ],
    );
  });

  it('refuses a snooze without one end, with 2 and without asking the daemon', async () => {
    for (const words of [[], ['--for', '12h', '--until', '2026-03-02'], ['--for', 'long'], ['--for', '0s'], ['--until', '12h']]) {
      const daemon = new FakeDaemon({});
      assert.equal((await runWith(['alert', 'snooze', '4f1c', ...words], { daemon })).status, 2, words.join(' '));
      assert.deepEqual(daemon.asked, []);
    }
  });

  it('says of one that is resolved that there is nothing to do', async () => {
    const resolved = { ...alert, state: 'resolved', resolvedAt: '2026-03-01T11:59:00.000Z' };
    const daemon = new FakeDaemon({ 'alert.acknowledge': () => resolved, 'alert.snooze': () => resolved });
    for (const words of [
      ['acknowledge', '4f1c'],
      ['snooze', '4f1c', '--for', '1h'],
    ]) {
      const { out, err, status } = await runWith(['alert', ...words], { daemon });
      assert.equal(status, 0);
      assert.match(out + err, /is resolved already/);
    }
  });

  it('counts in the status what is open', async () => {
    assert.match(await statusWith({ error: 0, warning: 0 }), /Alerts: +all clear/);
    assert.match(await statusWith({ error: 1, warning: 2 }), /Alerts: +1 error, 2 warnings: holdfast alert list/);
  });
});

describe('cli policy pause and resume', () => {
  it('says how it runs from now on', async () => {
    const daemon = new FakeDaemon({
      'policy.pause': () => ({ ...policy, paused: true }),
      'policy.resume': () => ({ ...policy, schedule: '@daily', nextRunAt: '2026-03-02T00:17:00.000Z' }),
    });
    const paused = await runWith(['policy', 'pause', 'work'], { daemon });
    assert.match(paused.out + paused.err, /Paused the policy work; it runs by hand only\./);
    const resumed = await runWith(['policy', 'resume', 'work'], { daemon });
    assert.match(resumed.out + resumed.err, /Resumed the policy work; @daily, next 2026-03-0/);
    assert.deepEqual(
      daemon.asked.map(({ method, params }) => [method, params]),
      [
        ['policy.pause', { policy: 'work' }],
        ['policy.resume', { policy: 'work' }],
      ],
    );
  });
});

describe('cli policy --schedule', () => {
  const scheduled = { ...policy, schedule: '@daily', nextRunAt: '2026-03-02T00:17:00.000Z' };

  it('sends what was typed, and never as none; what is a schedule is the daemon’s to say', async () => {
    const daemon = new FakeDaemon({ 'policy.create': () => scheduled, 'policy.edit': () => policy });
    const base = ['policy', 'create', 'work', '--source', 'a', '--location', 'disk'];
    await runWith([...base, '--schedule', '30 2 * * 1-5'], { daemon });
    await runWith([...base, '--schedule', 'never'], { daemon });
    await runWith(base, { daemon });
    assert.deepEqual(
      daemon.of('policy.create').map(({ params }) => params['schedule']),
      ['30 2 * * 1-5', null, null],
    );
    await runWith(['policy', 'edit', 'work', '--schedule', '@weekly'], { daemon });
    await runWith(['policy', 'edit', 'work', '--schedule', 'Never'], { daemon });
    assert.deepEqual(
      daemon.of('policy.edit').map(({ params }) => params),
      [
        { policy: 'work', schedule: '@weekly' },
        { policy: 'work', schedule: null },
      ],
    );
    assert.equal((await runWith(['policy', 'edit', 'work', '--schedule', ''], { daemon })).status, 2);
  });

  it('says "by hand only" of a policy that has none, and else when it runs next', async () => {
    const base = ['policy', 'create', 'work', '--source', 'a', '--location', 'disk'];
    const byHand = await runWith(base, { daemon: new FakeDaemon({ 'policy.create': () => policy }) });
    assert.match(byHand.out + byHand.err, /by hand only\.\n[^]*Run it with holdfast backup work\./);
    const daemon = new FakeDaemon({
      'policy.create': () => scheduled,
      'policy.show': () => scheduled,
      'policy.list': () => page([scheduled, { ...scheduled, paused: true }]),
    });
    const made = await runWith([...base, '--schedule', '@daily'], { daemon });
    assert.match(made.out + made.err, /to disk, @daily, next 2026-03-02[^]*Run it now with holdfast backup work\./);
    assert.match((await runWith(['policy', 'show', 'work'], { daemon })).out, /Runs: +@daily, next 2026-03-02/);
    const { out } = await runWith(['policy', 'list'], { daemon });
    assert.match(out, /@daily, next 2026-03-02/);
    assert.match(out, / paused /);
  });
});
