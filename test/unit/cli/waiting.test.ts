import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import { FakeDaemon } from './fakeDaemon.ts';
import { FakeHost, memberOf, runOn, runWith } from './fakeHost.ts';
import { action, backingUp, backupDocument, endingAs, id, listedAction, oneStarted } from './samples.ts';

describe('cli waiting', () => {
  it('cancels the action at Ctrl-C, waits for its end and exits 130', async () => {
    const host: { now: FakeHost | undefined } = { now: undefined };
    let isCancelled = false;
    const daemon = new FakeDaemon({
      'backup.start': oneStarted,
      'action.result': () => {
        if (!isCancelled) host.now?.interrupt();
        return isCancelled
          ? action({
              state: 'cancelled',
              error: { code: 'cancelled', message: 'Cancelled backup of work.', fix: null, details: null },
            })
          : action();
      },
      'action.cancel': () => {
        isCancelled = true;
        return listedAction();
      },
    });
    host.now = new FakeHost({ daemon });
    const { status, json } = await runOn(host.now, ['backup', 'work', '--json']);
    assert.equal(status, 130);
    assert.equal(memberOf(json(), 'error', 'code'), 'cancelled');
    assert.deepEqual(
      daemon.of('action.cancel').map(({ params }) => params),
      [{ actionId: id }],
    );
  });

  it('cancels what a request under way at Ctrl-C has started', async () => {
    const host: { now: FakeHost | undefined } = { now: undefined };
    const daemon = new FakeDaemon({
      'backup.start': (...asked) => {
        host.now?.interrupt();
        return oneStarted(...asked);
      },
      'action.result': () =>
        daemon.of('action.cancel').length > 0
          ? action({ state: 'cancelled', error: { code: 'cancelled', message: 'Cancelled backup of work.', fix: null, details: null } })
          : action(),
      'action.cancel': () => listedAction(),
    });
    host.now = new FakeHost({ daemon });
    assert.equal((await runOn(host.now, ['backup', 'work'])).status, 130);
    assert.equal(daemon.of('action.cancel').length, 1);
  });

  it('ends at the second Ctrl-C even where the work does not end', async () => {
    const host: { now: FakeHost | undefined } = { now: undefined };
    const daemon = new FakeDaemon({
      'backup.start': oneStarted,
      'action.result': () => {
        host.now?.interrupt();
        return action();
      },
      'action.cancel': () => listedAction(),
    });
    host.now = new FakeHost({ daemon });
    assert.equal((await runOn(host.now, ['backup', 'work'])).status, 130);
    assert.equal(daemon.of('action.cancel').length, 1);
    assert.equal(daemon.of('action.result').length, 2);
  });

  it('ends with 1 as soon as the daemon does, also in the middle of a question to it', async () => {
    for (const reject of [true, false]) {
      const daemon = new FakeDaemon({
        'backup.start': oneStarted,
        'action.result': () => {
          daemon.end();
          if (reject) throw new HoldfastError('daemonEnded', 'Failed to finish action.result: the daemon ended.');
          return new Promise(() => undefined);
        },
      });
      const { status, json } = await runWith(['backup', 'work', '--json'], { daemon });
      assert.equal(status, 1);
      assert.match(String(memberOf(json(), 'error', 'message')), /"Backing up work": the daemon ended/);
    }
  });

  it('looks again at an event at once', async () => {
    const seen = { looks: 0 };
    const host = new FakeHost({
      daemon: new FakeDaemon({
        'backup.start': oneStarted,
        'action.result': () => {
          seen.looks += 1;
          return seen.looks < 3 ? action() : action({ state: 'complete', result: { ...backupDocument } });
        },
      }),
    });
    // Without events this wait would never be over.
    host.pause = () => new Promise(() => undefined);
    const { daemon } = { daemon: await host.connect({ stateDirectory: '/state', start: true }) };
    assert.ok(daemon instanceof FakeDaemon);
    const ran = runOn(host, ['backup', 'work']);
    while (seen.looks < 3) {
      daemon.tell({ name: 'action.changed', subject: id });
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    assert.equal((await ran).status, 0);
  });

  it('draws progress on a terminal and takes it away, and is silent with --quiet and --no-progress', async () => {
    const drawn = await runWith(['backup', 'work', '--json'], {
      daemon: backingUp({ state: 'complete', result: { ...backupDocument } }),
      isErrTerminal: true,
    });
    assert.ok(drawn.err.startsWith('\r') && drawn.err.endsWith('\r\u001b[K'));
    assert.match(drawn.err, /Backing up work.*30 %.*5 of 12 files/);
    assert.deepEqual(drawn.json(), backupDocument);
    for (const flag of ['--quiet', '--no-progress']) {
      assert.equal(
        (
          await runWith(['backup', 'work', flag], {
            daemon: backingUp({ state: 'complete', result: { ...backupDocument } }),
            isErrTerminal: true,
          })
        ).err,
        '',
      );
    }
  });

  it('writes a plain line now and then where there is no terminal', async () => {
    const host = new FakeHost({
      daemon: new FakeDaemon({
        'backup.start': oneStarted,
        'action.result': endingAs({ state: 'complete', result: { ...backupDocument } }, 6),
      }),
    });
    let clock = 0;
    host.monotonic = () => {
      clock += 3000;
      return clock;
    };
    assert.match(
      (await runOn(host, ['backup', 'work'])).err,
      /^Backing up work: reading, 30 %, 5 of 12 files, 1\.00 KiB of 3\.38 KiB, 512 B\/s, 5 s left\n$/,
    );
  });
});
