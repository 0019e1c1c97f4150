import assert from 'node:assert/strict';
import { worst } from '../../../cli/verbs/backup.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { ActionWithResult } from '../../../protocol/methods/actions.ts';
import type { StatusResult } from '../../../protocol/methods/session.ts';
import { type Answer, FakeDaemon } from './fakeDaemon.ts';
import { FakeHost, memberOf, runOn, runWith } from './fakeHost.ts';
import { action, at, backingUp, backupDocument, endingAs, id, listedAction, oneStarted, otherId } from './samples.ts';

const twoStarted: Answer = () => ({ actions: [id, otherId].map((actionId) => ({ policyId: otherId, policy: 'work', actionId })) });

const completeAtOnce: Answer = ({ actionId }) => action({ actionId: String(actionId), state: 'complete', result: { ...backupDocument } });

const noSpace = { code: 'storeFull', message: 'Failed to back up work: disk is full.', fix: 'Make room.', details: { location: 'disk' } };

async function shown(change: Partial<ActionWithResult>): Promise<string> {
  return (await runWith(['action', 'show', '4f1c'], { daemon: new FakeDaemon({ 'action.show': () => action(change) }) })).out;
}

describe('cli backup', () => {
  it('prints the document of one policy when it is complete', async () => {
    const daemon = backingUp({ state: 'complete', result: { ...backupDocument } });
    const { status, json, err } = await runWith(['backup', 'work', '--description', 'before', '--json'], { daemon });
    assert.equal(status, 0);
    assert.deepEqual(json(), backupDocument);
    assert.equal(err, '');
    assert.deepEqual(daemon.of('backup.start')[0]?.params, {
      requestId: '00000000-0000-4000-8000-000000000001',
      policies: ['work'],
      all: false,
      dryRun: false,
      description: 'before',
    });
    const human = await runWith(['backup', 'work'], { daemon: backingUp({ state: 'complete', result: { ...backupDocument } }) });
    assert.equal(human.out, 'work: restore point aaaaaaaa, 12 files, 3.38 KiB, 789 B added, 1.5 s\n');
  });

  it('prints an array for several policies and for --all, even where that is one', async () => {
    const several = await runWith(['backup', 'a', 'b', '--json'], {
      daemon: new FakeDaemon({ 'backup.start': twoStarted, 'action.result': completeAtOnce }),
    });
    assert.deepEqual(several.json(), [
      { ...backupDocument, error: null },
      { ...backupDocument, error: null },
    ]);
    const all = await runWith(['backup', '--all', '--json'], { daemon: backingUp({ state: 'complete', result: { ...backupDocument } }) });
    assert.deepEqual(all.json(), [{ ...backupDocument, error: null }]);
    const none = await runWith(['backup', '--all', '--json'], { daemon: new FakeDaemon({ 'backup.start': () => ({ actions: [] }) }) });
    assert.deepEqual([none.status, none.json()], [0, []]);
  });

  it('ends with 6 and the document where files were skipped, and names them all', async () => {
    const skipped = [{ path: 'a\nb', reason: 'Permission denied.' }];
    const rest = { path: 'c', reason: 'It vanished.' };
    const document = { ...backupDocument, outcome: 'completeWithWarnings', skipped, skippedCount: 2 };
    const findings: Answer = ({ list }) => ({ items: list === 'skipped' ? [...skipped, rest] : [], next: null });
    const daemon = (): FakeDaemon => backingUp({ state: 'completeWithWarnings', result: document }, { 'action.findings': findings });
    const { status, json } = await runWith(['backup', 'work', '--json'], { daemon: daemon() });
    assert.equal(status, 6);
    assert.deepEqual(json(), { ...document, skipped: [...skipped, rest] });
    const human = await runWith(['backup', 'work'], { daemon: daemon() });
    assert.match(human.out, /with warnings\n {2}skipped {2}a\\nb: Permission denied\.\n {2}skipped {2}c: It vanished\.\n$/);
  });

  it('says what became of commands and hooks, with the last words of one that failed, and nothing in them that a terminal obeys', async () => {
    const well = { exitStatus: 0, signal: null, seconds: 2, standardError: 'chatter\n', problem: null };
    const standardError = `${Array.from({ length: 12 }, (_, line) => `line ${line}`).join('\n')}\n\u001b[2J\n`;
    const badly = { exitStatus: 3, signal: null, seconds: 1, standardError, problem: 'it ended with status 3' };
    const commands = [
      { ...well, name: 'good', bytes: 2048, kept: true },
      { ...badly, name: 'bad', bytes: 10, kept: false },
    ];
    const hooks = { before: { ...well, seconds: 0.5 }, after: null };
    const document = { ...backupDocument, outcome: 'completeWithWarnings', commands, hooks };
    const { status, out } = await runWith(['backup', 'work'], { daemon: backingUp({ state: 'completeWithWarnings', result: document }) });
    assert.equal(status, 6);
    const lines = out.split('\n').slice(1, -1);
    assert.deepEqual(lines.slice(0, 3), [
      '  hook  before: 0.5 s',
      '  command  good: 2.00 KiB in 2.0 s',
      '  failed  bad: it ended with status 3 (10 B in 1.0 s, not kept)',
    ]);
    assert.deepEqual([lines[3], lines.at(-1), lines.length], ['    line 3', '    \\x1b[2J', 13]);
    const failed = {
      state: 'failed',
      result: { ...document, outcome: 'failed' },
      error: { code: 'hookFailed', message: 'Failed to back up work: x.', fix: null, details: { hooks } },
    } as const;
    const human = await runWith(['backup', 'work'], { daemon: backingUp(failed) });
    assert.equal(human.status, 1);
    assert.match(human.err, /failed {2}bad: it ended with status 3[^]*Failed to back up work: x\./);
    const forPrograms = await runWith(['backup', 'work', '--json'], { daemon: backingUp(failed) });
    assert.deepEqual(forPrograms.json(), { error: failed.error });
    assert.doesNotMatch(forPrograms.err, /bad/);
  });

  /** A command that failed, as the daemon tells of it: in its own report and among what was left out. */
  const withFailedCommand = {
    ...backupDocument,
    outcome: 'completeWithWarnings' as const,
    skipped: [
      { path: 'shop.sql', reason: 'its command failed: it ended with status 1' },
      { path: '/home/a', reason: 'Permission denied.' },
    ],
    skippedCount: 2,
    commands: [
      {
        name: 'shop.sql',
        bytes: 0,
        kept: false,
        exitStatus: 1,
        signal: null,
        seconds: 1,
        standardError: 'E:\tno\n',
        problem: 'it ended with status 1',
      },
    ],
  };

  it('names a command that failed once, with what it said laid out as it was', async () => {
    const daemon = (): FakeDaemon => backingUp({ state: 'completeWithWarnings', result: withFailedCommand });
    const { out } = await runWith(['backup', 'work'], { daemon: daemon() });
    assert.deepEqual(out.split('\n').slice(1, -1), [
      '  skipped  /home/a: Permission denied.',
      '  failed  shop.sql: it ended with status 1 (0 B in 1.0 s, not kept)',
      '    E:      no',
    ]);
    assert.deepEqual((await runWith(['backup', 'work', '--json'], { daemon: daemon() })).json(), withFailedCommand, 'programs get both');
  });

  it('shows with “action show” why a run failed or what it left out, and the way out', async () => {
    const failed = await shown({ state: 'failed', error: noSpace, result: { ...withFailedCommand, outcome: 'failed' } });
    assert.match(
      failed,
      /Error: +Failed to back up work: disk is full\.\nWay out: +Make room\.\n {2}skipped {2}\/home\/a: [^]*shop\.sql: it ended with status 1[^]*\n {4}E: {6}no\n$/,
    );
    const restored = {
      actionId: id,
      restorePointId: otherId,
      outcome: 'damaged',
      files: 1,
      bytes: 1,
      skipped: [{ path: 'left', reason: 'it is there already' }],
      skippedCount: 1,
      warnings: ['x is restored, but its owner was not set.'],
      warningsCount: 1,
      damaged: [{ path: 'a', reason: 'a chunk is missing' }],
      damagedCount: 1,
      seconds: 1,
    };
    const restore = await shown({ kind: 'restore', state: 'failed', result: restored });
    assert.match(
      restore,
      /damaged {2}a: a chunk is missing\n {2}warning {2}x is restored, [^]* {2}skipped {2}left: it is there already\n$/,
    );
    const stopped = [{ policy: 'work', policyId: otherId, reason: 'a tree is damaged' }];
    const garbage = {
      location: 'usb',
      locationId: id,
      freedBytes: 0,
      freedObjects: 0,
      waiting: [],
      partlyUsedBytes: 0,
      stopped,
      dryRun: false,
    };
    assert.match(await shown({ kind: 'collectGarbage', state: 'failed', result: garbage }), /warning {2}work: a tree is damaged\n$/);
    assert.doesNotMatch(await shown({ kind: 'restore', state: 'complete', result: { odd: true } }), /skipped|damaged/);
    assert.match(await shown({}), /So far: +5 files, 1\.00 KiB\n$/);
  });

  it('prints the error of the action with its exit status', async () => {
    const { status, json } = await runWith(['backup', 'work', '--json'], { daemon: backingUp({ state: 'failed', error: noSpace }) });
    assert.equal(status, 1);
    assert.deepEqual(json(), { error: noSpace });
    const human = await runWith(['backup', 'work'], { daemon: backingUp({ state: 'failed', error: noSpace }) });
    assert.deepEqual([human.out, human.err], ['', 'Failed to back up work: disk is full.\nMake room.\n']);
    const unknown = await runWith(['backup', 'work'], {
      daemon: backingUp({ state: 'failed', error: { ...noSpace, code: 'ofALaterVersion' } }),
    });
    assert.equal(unknown.status, 1);
  });

  it('goes on with the others where one of several fails, and ends with the worst', async () => {
    const result: Answer = ({ actionId }) =>
      actionId === id
        ? action({ actionId: id, state: 'failed', error: noSpace })
        : action({ actionId: otherId, state: 'complete', result: { ...backupDocument } });
    const daemon = new FakeDaemon({ 'backup.start': twoStarted, 'action.result': result });
    const { status, json } = await runWith(['backup', '--all', '--json'], { daemon });
    assert.equal(status, 1);
    assert.deepEqual(
      [memberOf(json(), '0', 'outcome'), memberOf(json(), '0', 'error'), memberOf(json(), '1', 'outcome')],
      ['failed', noSpace, 'complete'],
    );
    assert.deepEqual([worst([0, 6, 5]), worst([6, 1]), worst([0]), worst([1, 130]), worst([])], [5, 1, 0, 130, 0]);
  });

  it('refuses no policy, policies beside --all, and a long description', async () => {
    for (const args of [[], ['work', '--all'], ['work', '--description', 'x'.repeat(10_000)], ['x'.repeat(10_000)], ['']]) {
      const daemon = new FakeDaemon({});
      assert.equal((await runWith(['backup', ...args], { daemon })).status, 2, args.join(' ').slice(0, 50));
      assert.deepEqual(daemon.asked, []);
    }
  });

  it('says what was started with --no-wait', async () => {
    const daemon = new FakeDaemon({ 'backup.start': oneStarted });
    const { status, json } = await runWith(['backup', 'work', '--no-wait', '--json'], { daemon });
    assert.deepEqual([status, json()], [0, { policyId: otherId, policy: 'work', actionId: id }]);
  });

  it('tells of a result that is no document of this version', async () => {
    const { status, json } = await runWith(['backup', 'work', '--json'], {
      daemon: backingUp({ state: 'complete', result: { nonsense: true } }),
    });
    assert.equal(status, 1);
    assert.equal(memberOf(json(), 'error', 'code'), 'protocolViolation');
  });
});

const restoring = (end: Partial<ActionWithResult>): FakeDaemon =>
  new FakeDaemon({ 'restore.start': () => ({ actionId: id }), 'action.result': endingAs({ kind: 'restore', ...end }) });

describe('cli restore', () => {
  const document = {
    actionId: id,
    restorePointId: otherId,
    outcome: 'complete',
    files: 3,
    bytes: 100,
    skipped: [],
    skippedCount: 0,
    warnings: [],
    warningsCount: 0,
    damaged: [],
    damagedCount: 0,
    seconds: 0.5,
  };
  it('says where, what and how to the daemon, and prints its document', async () => {
    const daemon = restoring({ state: 'complete', result: document });
    const { status, json } = await runWith(
      ['restore', 'work@2026-01-01T00:00:00Z', '--target', 'out', '--path', 'a', 'b', '--conflict', 'rename', '--dry-run', '--json'],
      { daemon },
    );
    assert.deepEqual([status, json()], [0, document]);
    const { requestId: _, ...params } = daemon.of('restore.start')[0]?.params ?? {};
    assert.deepEqual(params, {
      restorePoint: 'work@2026-01-01T00:00:00Z',
      target: '/home/user/here/out',
      paths: ['a', 'b'],
      conflict: 'rename',
      dryRun: true,
    });
    const inPlace = restoring({ state: 'complete', result: document });
    const { out } = await runWith(['restore', 'latest', '--in-place'], { daemon: inPlace });
    assert.equal(out, 'Restored 3 files, 100 B, in place in 0.5 s.\n');
    assert.equal(inPlace.of('restore.start')[0]?.params['target'], null);
    assert.equal(inPlace.of('restore.start')[0]?.params['conflict'], 'refuse');
  });

  it('ends with 5 and the document where something is damaged, and names it', async () => {
    const damaged = [{ path: 'x', reason: 'A pack is missing.' }];
    const result = { ...document, outcome: 'damaged', damaged, damagedCount: 1 };
    const error = { code: 'damaged', message: 'Failed to restore all: stored data is damaged.', fix: null, details: null };
    const { status, json } = await runWith(['restore', 'latest', '--target', 'o', '--json'], {
      daemon: restoring({ state: 'failed', error, result }),
    });
    assert.deepEqual([status, json()], [5, result]);
    const human = await runWith(['restore', 'latest', '--target', 'o'], { daemon: restoring({ state: 'failed', error, result }) });
    assert.match(human.out, /damaged {2}x: A pack is missing\./);
    const mild = await runWith(['restore', 'latest', '--target', 'o'], { daemon: restoring({ state: 'completeWithWarnings', result }) });
    assert.equal(mild.status, 5);
    const without = await runWith(['restore', 'latest', '--target', 'o', '--json'], { daemon: restoring({ state: 'failed', error }) });
    assert.deepEqual([without.status, without.json()], [5, { error }]);
  });

  it('ends with 4 where the target is not empty', async () => {
    const daemon = new FakeDaemon({
      'restore.start': () => {
        throw new HoldfastError('targetNotEmpty', 'Failed to restore: the target is not empty.', { fix: 'Give --conflict.' });
      },
    });
    assert.equal((await runWith(['restore', 'latest', '--target', 'o'], { daemon })).status, 4);
  });

  it('refuses no target and two', async () => {
    for (const args of [
      ['latest'],
      ['latest', '--target', 'o', '--in-place'],
      ['latest', '--target', ''],
      ['latest', '--target', 'a\0b'],
      ['', '--target', 'o'],
    ]) {
      assert.equal((await runWith(['restore', ...args], { daemon: new FakeDaemon({}) })).status, 2, args.join(' '));
    }
  });

  it('says what was started with --no-wait', async () => {
    const { json } = await runWith(['restore', 'latest', '--target', 'o', '--no-wait', '--json'], { daemon: restoring({}) });
    assert.deepEqual(json(), { actionId: id });
  });
});

const notSetUp = (): StatusResult => ({
  state: 'notSetUp',
  installationId: null,
  version: '0.1.0',
  pid: 1,
  startedAt: at,
  passkeyInUse: null,
  safeUntil: null,
  lastBackup: null,
  runningActions: [],
  alerts: null,
  readOnly: false,
  unattended: null,
  autoLock: null,
});

describe('cli import-stored', () => {
  const document = {
    actionId: id,
    installationId: otherId,
    policies: 2,
    restorePoints: 9,
    live: 7,
    retired: 2,
    later: 0,
    pinned: 3,
    location: 'stored',
    passkeys: ['passphrase-1', 'passphrase-2'],
    broughtBack: null,
    damaged: [],
    damagedCount: 0,
    seconds: 2,
  };
  const files = { '/home/user/here/spec.json': '{"kind":"filesystem","path":"disk"}' };
  const args = ['import-stored', '--location-spec', 'spec.json', '--passphrase-file', '-'];
  const importing = (end: Partial<ActionWithResult>): FakeDaemon =>
    new FakeDaemon({
      'session.status': notSetUp,
      'recovery.importStored': () => ({ actionId: id }),
      'action.result': endingAs({ kind: 'importStored', ...end }),
    });

  it('reads the location, sends the passphrase and prints what came back', async () => {
    const daemon = importing({ state: 'complete', result: document });
    const { status, json } = await runWith(
      [...args, '--installation', 'abc', '--at', '2026-01-01', '--location-name', 'disk', '--passkey', 'def', '--json'],
      {
        daemon,
        files,
        input: ['p'],
      },
    );
    assert.deepEqual([status, json()], [0, document]);
    const [asked] = daemon.of('recovery.importStored');
    const { requestId: _, passphrase: __, ...params } = asked?.params ?? {};
    assert.deepEqual(params, {
      spec: { kind: 'filesystem', path: '/home/user/here/disk' },
      installation: 'abc',
      at: '2026-01-01T00:00:00.000Z',
      locationName: 'disk',
      passkey: 'def',
      tries: 8,
    });
    assert.deepEqual(asked?.secrets, ['p']);
  });

  it('tells people what came back as what, with numbers that add up, and which names are new', async () => {
    const told = async (change: object): Promise<readonly string[]> => {
      const { out } = await runWith(args, {
        daemon: importing({ state: 'complete', result: { ...document, ...change } }),
        files,
        input: ['p'],
      });
      return out.trimEnd().split('\n');
    };
    assert.deepEqual(await told({}), [
      `Imported installation ${otherId}: 2 policies (paused), 9 restore points, 2.0 s.`,
      'On the list: 7. Retired, and off it: 2 ("holdfast restore-point list --include-retired" shows them).',
      'What was retired after the newest backup of its policy is on the list again: that was in the lost catalog alone.',
      'Pinned: 3 of them, which a rule or a collection might take before you have looked. "holdfast restore-point unpin ID" lets go of one.',
      'New names, since only the lost catalog had the old ones: location stored, passkeys passphrase-1, passphrase-2.',
      'Only the passkey that opened it counts as verified: "holdfast passkey verify NAME" proves who still has another one.',
      'Policies run again once you say so: "holdfast policy resume NAME".',
    ]);
    const later = await told({ restorePoints: 7, retired: 0, later: 1, pinned: 1, passkeys: ['passphrase-1'] });
    assert.deepEqual(later.slice(2, 4), [
      'Besides, 1 restore point of after that time is off the list ("holdfast restore-point list --include-retired").',
      'Pinned: 1 of them, which a rule or a collection might take before you have looked. "holdfast restore-point unpin ID" lets go of one.',
    ]);
    assert.match(later[4] ?? '', /location stored, passkey passphrase-1\.$/);
    const plain = await told({ restorePoints: 7, retired: 0, pinned: 0 });
    assert.equal(plain.length, 5);
    assert.equal(
      (await told({ broughtBack: 'passphrase-2' })).at(-2),
      'The newest keyring does not hold what opened it: it was rotated or retired since, and is a passkey again as passphrase-2, so that this machine opens. Verify another one that you have, put that in use, and retire passphrase-2.',
    );
  });

  it('takes a bucket with the credentials that its file names, else those of the shell, else what the daemon finds', async () => {
    const shell = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'geheim' };
    const keys = JSON.stringify({ accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'geheim' });
    const cases: readonly (readonly [
      more: object,
      environment: Record<string, string>,
      credentials: object,
      secrets: readonly string[],
    ])[] = [
      [{}, {}, { source: 'chain' }, ['p']],
      [{}, shell, { source: 'sealed' }, [keys, 'p']],
      [{ credentials: { source: 'chain' } }, shell, { source: 'chain' }, ['p']],
      [{ credentials: { source: 'sealed' } }, shell, { source: 'sealed' }, [keys, 'p']],
      [{ profile: 'work' }, shell, { source: 'profile', profile: 'work' }, ['p']],
      [{ credentialsFile: 'keys' }, {}, { source: 'sealed' }, [keys, 'p']],
      // The first line of standard input is the passphrase, the rest the keys.
      [{ credentialsFile: '-' }, {}, { source: 'sealed' }, [keys, 'p']],
    ];
    for (const [more, environment, credentials, secrets] of cases) {
      const daemon = importing({ state: 'complete', result: document });
      const spec = { kind: 's3', bucket: 'backups', region: 'eu-west-1', prefix: 'team', ...more };
      const { status, err } = await runWith([...args, '--at', '2026-01-01'], {
        daemon,
        environment,
        files: { '/home/user/here/spec.json': JSON.stringify(spec), '/home/user/here/keys': keys },
        input: ['p', keys],
      });
      assert.equal(status, 0, err);
      const [asked] = daemon.of('recovery.importStored');
      assert.deepEqual(asked?.params['spec'], { kind: 's3', bucket: 'backups', region: 'eu-west-1', prefix: 'team', credentials });
      assert.equal(asked?.params['at'], '2026-01-01T00:00:00.000Z');
      assert.deepEqual([...asked.secrets].toSorted(), [...secrets].toSorted());
      assert.doesNotMatch(err, /geheim/);
    }
    const without = { kind: 's3', bucket: 'backups', region: 'eu-west-1', credentials: { source: 'sealed' } };
    const specFiles = { '/home/user/here/spec.json': JSON.stringify(without) };
    const none = new FakeDaemon({ 'session.status': notSetUp });
    assert.equal((await runWith(args, { daemon: none, files: specFiles, input: ['p'] })).status, 2);
  });

  it('C9: asks before it goes on through junk keyrings, tries twice as many each time, and stops at a no', async () => {
    const error = { code: 'confirmationNeeded', message: '8 keyrings were tried in vain. Go on?', fix: null, details: { tried: 8 } };
    const daemon = (): FakeDaemon => {
      const ends: Partial<ActionWithResult>[] = [
        { state: 'failed', error },
        { state: 'failed', error },
        { state: 'complete', result: document },
      ];
      return new FakeDaemon({
        'session.status': notSetUp,
        'recovery.importStored': () => ({ actionId: id }),
        'action.result': () => action({ kind: 'importStored', ...ends.shift() }),
      });
    };
    const withPrompt = ['import-stored', '--location-spec', 'spec.json'];
    const going = daemon();
    assert.equal((await runWith(withPrompt, { daemon: going, files, answers: ['p', 'y', 'y'] })).status, 0);
    assert.deepEqual(
      going.of('recovery.importStored').map(({ params, secrets }) => [params['tries'], secrets[0]]),
      [
        [8, 'p'],
        [16, 'p'],
        [32, 'p'],
      ],
    );
    assert.equal((await runWith(withPrompt, { daemon: daemon(), files, answers: ['p', 'n'] })).status, 130);
    assert.equal((await runWith(args, { daemon: daemon(), files, input: ['p'] })).status, 2);
    const sure = importing({ state: 'complete', result: document });
    assert.equal((await runWith([...args, '--yes'], { daemon: sure, files, input: ['p'] })).status, 0);
    assert.equal(sure.of('recovery.importStored')[0]?.params['tries'], 1_000_000);
  });

  it('ends with 5 and the document where objects are damaged', async () => {
    const damaged = [{ path: 'policies/x', reason: 'Its tag does not hold.' }];
    const { status, json } = await runWith([...args, '--json'], {
      daemon: importing({ state: 'completeWithWarnings', result: { ...document, damaged, damagedCount: 1 } }),
      files,
      input: ['p'],
    });
    assert.equal(status, 5);
    assert.deepEqual(memberOf(json(), 'damaged'), damaged);
  });

  it('M8: refuses a location that is none, of a later version, or with more in it than there should be', async () => {
    for (const content of [
      '',
      'x',
      '[]',
      'null',
      '{"kind":"filesystem"}',
      '{"kind":"filesystem","path":""}',
      '{"kind":"s3","bucket":"b","region":"r"}',
      '{"kind":"filesystem","path":"/x","run":"rm"}',
      '{"kind":"filesystem","path":"/x","path":"/y"}',
      '{"kind":"filesystem","path":"/x","__proto__":{}}',
      '['.repeat(5000),
    ]) {
      const daemon = new FakeDaemon({});
      const { status } = await runWith(args, { daemon, files: { '/home/user/here/spec.json': content }, input: ['p'] });
      assert.equal(status, 2, content.slice(0, 60));
      assert.deepEqual(daemon.asked, []);
    }
  });

  it('refuses a state directory that holds an installation, before it asks for a passphrase', async () => {
    const daemon = new FakeDaemon({ 'session.status': () => ({ ...notSetUp(), state: 'locked' }) });
    const { status, questions } = await runWith(['import-stored', '--location-spec', 'spec.json'], { daemon, files, answers: [] });
    assert.deepEqual([status, questions], [2, []]);
  });
});

describe('cli action', () => {
  const listed = listedAction();

  it('lists so many of the newest', async () => {
    const daemon = new FakeDaemon({ 'action.list': () => ({ items: [listed, listed, listed], next: 'more' }) });
    assert.deepEqual((await runWith(['action', 'list', '--limit', '2', '--json'], { daemon })).json(), [listed, listed]);
    assert.deepEqual(daemon.of('action.list')[0]?.params, { limit: 2 });
    const { out } = await runWith(['action', 'list', '--limit', '3'], { daemon });
    assert.match(out, /4f1c2a00 +backup +work +running, 30 %/);
  });

  it('shows one, and follows it as JSON Lines with its own exit status', async () => {
    const daemon = new FakeDaemon({ 'action.show': () => action(), 'action.result': endingAs({ state: 'completeWithWarnings' }, 3) });
    assert.deepEqual((await runWith(['action', 'show', '4f1c', '--json'], { daemon })).json(), action());
    const { status, out } = await runWith(['action', 'show', '4f1c', '--follow', '--json'], { daemon });
    assert.equal(status, 6);
    const states = out
      .trimEnd()
      .split('\n')
      .map((line) => memberOf(JSON.parse(line), 'state'));
    assert.deepEqual(states, ['running', 'running', 'completeWithWarnings']);
  });

  it('leaves what it follows running at Ctrl-C', async () => {
    const host: { now: FakeHost | undefined } = { now: undefined };
    const daemon = new FakeDaemon({
      'action.show': () => action(),
      'action.result': () => {
        host.now?.interrupt();
        return action();
      },
    });
    host.now = new FakeHost({ daemon });
    assert.equal((await runOn(host.now, ['action', 'show', '4f1c', '--follow'])).status, 130);
    assert.equal(daemon.of('action.cancel').length, 0);
  });

  it('cancels by a prefix of the id, and is content with one that has ended', async () => {
    const daemon = new FakeDaemon({
      'action.show': () => action(),
      'action.cancel': () => listed,
      'action.result': endingAs({ state: 'cancelled' }),
    });
    assert.equal((await runWith(['action', 'cancel', '4f1c'], { daemon })).status, 0);
    assert.deepEqual(daemon.of('action.cancel')[0]?.params, { actionId: id });
    assert.equal((await runWith(['action', 'cancel', '4f1c', '--follow', '--json'], { daemon })).status, 0);
    const ended = new FakeDaemon({ 'action.show': () => action({ state: 'complete' }) });
    assert.equal((await runWith(['action', 'cancel', '4f1c'], { daemon: ended })).status, 0);
  });
});
