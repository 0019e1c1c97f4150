import assert from 'node:assert/strict';
import { verbs } from '../../../cli/grammar/index.ts';
import type { Flag } from '../../../cli/grammar/verb.ts';
import { type ErrorCode, exitStatusOf, HoldfastError, isErrorCode } from '../../../protocol/errors.ts';
import { type Answer, FakeDaemon } from './fakeDaemon.ts';
import { runWith } from './fakeHost.ts';
import {
  action,
  backupDocument,
  entryWith,
  hostile,
  id,
  location,
  otherId,
  passkey,
  policy,
  restorePoint,
  unlockedStatus,
  listedAction,
} from './samples.ts';

describe('cli errors', () => {
  for (const [name, status] of Object.entries(exitStatusOf)) {
    if (!isErrorCode(name)) continue;
    const code: ErrorCode = name;
    it(`gives exit ${status} to ${code}, as one document or as a sentence and a way out`, async () => {
      const daemon = (): FakeDaemon =>
        new FakeDaemon({
          'policy.list': () => {
            throw new HoldfastError(code, 'Failed to do it: no.', { fix: 'Do it otherwise.', details: { until: 1 } });
          },
        });
      const programs = await runWith(['policy', 'list', '--json'], { daemon: daemon() });
      assert.equal(programs.status, status);
      assert.deepEqual(programs.json(), {
        error: { code, message: 'Failed to do it: no.', fix: 'Do it otherwise.', details: { until: 1 } },
      });
      assert.equal(programs.err, '');
      const people = await runWith(['policy', 'list'], { daemon: daemon() });
      assert.deepEqual([people.status, people.out, people.err], [status, '', 'Failed to do it: no.\nDo it otherwise.\n']);
    });
  }

  it('prints a command line that can not be read as a document too', async () => {
    const { status, json } = await runWith(['policy', 'craete', '--json']);
    assert.equal(status, 2);
    assert.deepEqual(json(), {
      error: {
        code: 'usage',
        message: "Failed to run holdfast policy: unknown command 'craete'.",
        fix: 'Did you mean create?',
        details: null,
      },
    });
  });

  it('puts what was not foreseen into one sentence', async () => {
    const daemon = new FakeDaemon({
      'policy.list': () => {
        throw new TypeError('x is not a function');
      },
    });
    const { status, err } = await runWith(['policy', 'list'], { daemon });
    assert.deepEqual([status, err], [1, 'Failed to run holdfast: x is not a function.\n']);
  });

  it('says that the daemon does not answer', async () => {
    const { status, err } = await runWith(['policy', 'list'], { isRunning: false });
    assert.equal(status, 1);
    assert.match(err, /holdfast serve/);
  });

  it('finds or starts the daemon for every verb but those that need none', async () => {
    const services = ['service install', 'service uninstall', 'service status', 'passkey vault-policy', 'passkey aws-policy'];
    const withoutStart = new Set(['status', 'lock', 'stop', 'serve', 'version', 'completion', 'backup', ...services]);
    for (const verb of verbs.filter(({ path }) => !withoutStart.has(path))) {
      const args = [
        ...verb.path.split(' '),
        ...(verb.arguments ?? []).filter((argument) => argument.isOptional !== true).map(({ name }) => (name === 'DAYS' ? '7' : 'x')),
        ...(verb.flags ?? []).filter((flag) => flag.isRequired === true).flatMap((flag) => [flag.flag, valueOf(flag)]),
        ...(verb.path === 'policy create' ? ['--source', 'x'] : []),
        ...(verb.path === 'policy edit' || verb.path === 'location edit' ? ['--rename', 'y'] : []),
        ...(verb.path === 'restore' ? ['--in-place'] : []),
        ...(verb.path === 'policy retention' ? ['--dry-run'] : []),
        ...(verb.path === 'alert snooze' ? ['--for', '1h'] : []),
        ...(verb.path === 'passkey add aws-kms' ? ['--region', 'eu-west-1'] : []),
        ...(verb.path === 'passkey add vault-transit' ? ['--address', 'https://vault.example'] : []),
        ...((verb.flags ?? []).some(({ flag }) => flag === '--passphrase-file') ? ['--passphrase-file', '-'] : []),
      ];
      const { started, status } = await runWith(args, {
        isRunning: false,
        input: ['a passphrase'],
        files: { '/home/user/here/x': '{"kind":"filesystem","path":"/x"}' },
      });
      assert.equal(status, 1, args.join(' '));
      assert.equal(started, true, args.join(' '));
    }
  });
});

function valueOf({ flag, choices }: Flag): string {
  const fitting: Readonly<Record<string, string>> = { '--bucket': 'backups', '--key-id': 'alias/x', '--region': 'eu-west-1' };
  return choices?.[0] ?? fitting[flag] ?? 'x';
}

const page =
  (item: unknown): Answer =>
  () => ({ items: [item], next: null });

describe('cli against hostile answers', () => {
  const answers: Readonly<Record<string, Answer>> = {
    'session.status': () => ({
      ...unlockedStatus,
      passkeyInUse: hostile,
      runningActions: [{ actionId: id, kind: hostile, subject: hostile, subjectId: hostile, state: 'queued', fraction: null }],
    }),
    'passkey.list': page({ ...passkey, name: hostile.slice(0, 256), warnings: [hostile] }),
    'location.list': page({ ...location, name: hostile.slice(0, 256), path: hostile }),
    'location.validate': () => ({ checks: [{ check: hostile, result: 'fail', detail: hostile, fix: hostile }] }),
    'policy.list': page({
      ...policy,
      name: hostile.slice(0, 256),
      sources: [{ kind: 'folder', path: hostile, sourceId: id }],
      lastRun: { actionId: id, outcome: hostile, finishedAt: policy.createdAt },
    }),
    'policy.show': () => ({ ...policy, exclude: [hostile.slice(0, 4096)], location: hostile.slice(0, 256) }),
    'restorePoint.list': page({ ...restorePoint, policy: hostile.slice(0, 256), description: hostile }),
    'restorePoint.files': page(entryWith(hostile)),
    'restorePoint.diff': page({ path: hostile, change: 'modified' }),
    'action.list': page(listedAction({ subject: hostile })),
    'action.show': () =>
      action({ subject: hostile, error: { code: hostile, message: hostile, fix: hostile, details: { [hostile]: hostile } } }),
    'log.read': () => ({
      items: [{ time: policy.createdAt, level: 'info', message: hostile, facts: { [hostile]: hostile } }],
      cursor: 'c',
    }),
    'backup.start': () => ({ actions: [{ policyId: otherId, policy: hostile.slice(0, 256), actionId: id }] }),
    'action.result': () =>
      action({
        state: 'completeWithWarnings',
        result: { ...backupDocument, policy: hostile.slice(0, 256), skipped: [{ path: hostile, reason: hostile }], skippedCount: 1 },
      }),
  };

  for (const args of [
    ['status'],
    ['passkey', 'list'],
    ['location', 'list'],
    ['location', 'validate', 'x'],
    ['policy', 'list'],
    ['policy', 'show', 'x'],
    ['rp', 'list'],
    ['rp', 'files', 'x'],
    ['rp', 'diff', 'x'],
    ['action', 'list'],
    ['action', 'show', 'x'],
    ['log'],
    ['backup', 'x'],
    ['backup', '--all'],
  ]) {
    it(`M2: sends nothing to the terminal in "${args.join(' ')}" that could act on it, in words and in JSON`, async () => {
      for (const json of [[], ['--json']]) {
        const { out, err, status } = await runWith([...args, ...json], { daemon: new FakeDaemon(answers) });
        assert.ok(status === 0 || status === 6 || status === 1, String(status));
        assert.ok(out.length > 0);
        // Line ends are the only control characters of ours.
        assert.doesNotMatch((out + err).replaceAll('\n', ''), /\p{Cc}|[\u202a-\u202e\u2066-\u2069]|\p{Cs}/u);
        if (json.length > 0) JSON.parse(out);
      }
    });
  }

  it('M2: takes names of 10 kB as unknown without asking the daemon, and repeats little of them', async () => {
    const long = 'n'.repeat(10_000);
    for (const args of [
      ['policy', 'show', long],
      ['backup', long],
      ['rp', 'files', long],
      ['passkey', 'use', long],
      ['location', 'validate', long],
      ['action', 'show', long],
      ['policy', 'create', long, '--source', 'x', '--location', 'y'],
      ['location', 'add', 'filesystem', long, '--path', 'x'],
    ]) {
      const daemon = new FakeDaemon({});
      const { status, err } = await runWith(args, { daemon });
      assert.equal(status, 2, args.slice(0, 2).join(' '));
      assert.ok(err.length < 500, String(err.length));
      assert.deepEqual(daemon.asked, []);
    }
  });
});
