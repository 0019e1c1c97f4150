import assert from 'node:assert/strict';
import type { ActionWithResult } from '../../../protocol/methods/actions.ts';
import { FakeDaemon } from './fakeDaemon.ts';
import { memberOf, runWith } from './fakeHost.ts';
import { at, endingAs, id, otherId } from './samples.ts';

describe('cli import-stored, with a key outside', () => {
  const state = { state: 'notSetUp', installationId: null, version: '0.1.0', pid: 1, startedAt: at, passkeyInUse: null };
  const nothingYet = {
    safeUntil: null,
    lastBackup: null,
    runningActions: [],
    alerts: null,
    readOnly: false,
    unattended: null,
    autoLock: null,
  };
  const counts = { policies: 2, restorePoints: 9, live: 7, retired: 2, later: 0, pinned: 3, damaged: [], damagedCount: 0, seconds: 2 };
  const document = {
    actionId: id,
    installationId: otherId,
    ...counts,
    location: 'stored',
    passkeys: ['vaultTransit-1'],
    broughtBack: null,
  };
  const files = { '/home/user/here/spec.json': '{"kind":"filesystem","path":"disk"}' };
  const importing = (end: Partial<ActionWithResult>): FakeDaemon =>
    new FakeDaemon({
      'session.status': () => ({ ...state, ...nothingYet }),
      'recovery.importStored': () => ({ actionId: id }),
      'action.result': endingAs({ kind: 'importStored', ...end }),
    });

  it('C9: hands over a key outside that the user names, with the login for it, and asks for no passphrase', async () => {
    const daemon = importing({ state: 'complete', result: document });
    const flags = [
      '--address',
      'https://vault.example/',
      '--key',
      'holdfast',
      '--namespace',
      'team/',
      '--ca-file',
      'ca.pem',
      '--token-file',
      '-',
    ];
    const { status, questions } = await runWith(['import-stored', '--location-spec', 'spec.json', ...flags], {
      daemon,
      files,
      input: ['hvs.t'],
    });
    assert.deepEqual([status, questions], [0, []]);
    const [asked] = daemon.of('recovery.importStored');
    const { key, passphrase } = asked?.params ?? {};
    assert.deepEqual(
      [memberOf(key, 'target'), memberOf(key, 'access'), passphrase, asked?.secrets],
      [
        { kind: 'vaultTransit', address: 'https://vault.example', namespace: 'team', mount: 'transit', key: 'holdfast' },
        { kind: 'vaultTransit', login: { method: 'given' }, caFile: '/home/user/here/ca.pem' },
        undefined,
        [JSON.stringify({ kind: 'vaultTransit', token: 'hvs.t' })],
      ],
    );
    const kms = importing({ state: 'complete', result: document });
    const arn = `arn:aws:kms:eu-west-1:123456789012:key/${id}`;
    const named = ['import-stored', '--location-spec', 'spec.json', '--key-arn', arn, '--region', 'eu-west-1', '--profile', 'work'];
    assert.equal((await runWith(named, { daemon: kms, files })).status, 0);
    assert.deepEqual(kms.of('recovery.importStored')[0]?.params['key'], {
      target: { kind: 'awsKms', keyId: arn, region: 'eu-west-1' },
      access: { kind: 'awsKms', endpoint: null, credentials: { source: 'profile', profile: 'work' } },
    });
  });

  it('C9: names the keys that the keyrings name, each with its flags, and ends with 2 whatever was agreed to before', async () => {
    const target = { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' };
    const error = {
      code: 'confirmationNeeded',
      message: 'Failed to find the master key: nothing was sent to the 1 key outside that the keyrings name.',
      fix: 'Name the one that is yours.',
      details: {
        references: [{ target, since: null, keyrings: 3 }],
        left: 0,
        reasons: [{ what: '--address https://vault.example --key holdfast (in 3 keyrings)', until: null }],
      },
    } as const;
    for (const flags of [[], ['--yes'], ['--token-file', '/token']]) {
      const daemon = importing({ state: 'failed', error });
      const { status, err, questions } = await runWith(['import-stored', '--location-spec', 'spec.json', ...flags], { daemon, files });
      assert.deepEqual([status, questions], [2, []], flags.join(' '));
      assert.match(err, /^ {2}--address https:\/\/vault\.example --key holdfast \(in 3 keyrings\)$/m);
      assert.deepEqual(daemon.of('recovery.importStored')[0]?.secrets, []);
    }
  });

  it('takes one way in, and a KMS key by nothing but its ARN', async () => {
    for (const flags of [
      ['--passphrase-file', '-', '--key', 'k', '--address', 'https://vault.example'],
      ['--key-arn', 'alias/backup', '--region', 'eu-west-1'],
      ['--key-arn', `arn:aws:kms:eu-west-1:123456789012:key/${id}`, '--region', 'eu-west-1', '--token-file', 'F'],
      ['--key', 'k'],
    ]) {
      const daemon = importing({ state: 'complete', result: document });
      const { status } = await runWith(['import-stored', '--location-spec', 'spec.json', ...flags], { daemon, files, input: ['p'] });
      assert.deepEqual([status, daemon.of('recovery.importStored')], [2, []], flags.join(' '));
    }
  });
});
