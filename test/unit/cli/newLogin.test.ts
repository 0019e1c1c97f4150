import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Passkey } from '../../../protocol/methods/passkeys.ts';
import { FakeDaemon } from './fakeDaemon.ts';
import { runWith } from './fakeHost.ts';
import { id, otherId, passkey } from './samples.ts';

const address = 'https://vault.example:8200';
const token = 's.canary7f3a9c';
const vault: Passkey = {
  ...passkey,
  slotId: otherId,
  name: 'office',
  kind: 'vaultTransit',
  reference: { address, namespace: null, mount: 'transit', key: 'holdfast', version: 1 },
};
const kms: Passkey = { ...passkey, slotId: id, name: 'cloud', kind: 'awsKms', reference: { keyArn: 'arn', region: 'eu-west-1' } };
const phrase: Passkey = { ...passkey, name: 'safe' };

function verifying(verdict: () => unknown = () => vault): FakeDaemon {
  return new FakeDaemon({
    'passkey.list': () => ({ items: [vault, kms, phrase], next: null }),
    'passkey.verify': verdict,
    'session.stepUp': () => ({ until: '2026-01-02T03:09:05Z' }),
  });
}

describe('cli passkey verify with another login', () => {
  it('K6: hands the login over with the passkey that keeps it, and a token as a secret', async () => {
    const vaultTransit = { kind: 'vaultTransit', caFile: null };
    const awsKms = { kind: 'awsKms', endpoint: null };
    const cases: readonly (readonly [line: string, access: object, secrets?: readonly string[]])[] = [
      ['office --token-file t', { ...vaultTransit, login: { method: 'tokenFile', tokenFile: '/home/user/here/t' } }],
      ['office --token-file -', { ...vaultTransit, login: { method: 'given' } }, [JSON.stringify({ kind: 'vaultTransit', token })]],
      [
        `office --role-id r --secret-id-file /s --address ${address}/`,
        { ...vaultTransit, login: { method: 'appRole', roleId: 'r', secretIdFile: '/s' } },
      ],
      ['office --ca-file ca', { ...vaultTransit, login: { method: 'given' }, caFile: '/home/user/here/ca' }],
      ['cloud --profile work', { ...awsKms, credentials: { source: 'profile', profile: 'work' } }],
      ['cloud --credentials chain', { ...awsKms, credentials: { source: 'chain' } }],
      [
        'cloud --credentials shell',
        { ...awsKms, credentials: { source: 'given' } },
        [JSON.stringify({ kind: 'awsKms', accessKeyId: 'AKIA', secretAccessKey: 'canary' })],
      ],
    ];
    const environment = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'canary', VAULT_TOKEN: 's.canary-of-the-shell' };
    for (const [line, access, secrets = []] of cases) {
      let asked = 0;
      const daemon = verifying(() => {
        asked += 1;
        if (asked > 1) return vault;
        throw new HoldfastError('stepUpNeeded', 'Failed to go on: this needs a passphrase of yours.');
      });
      daemon.isProvedByService = true;
      const ran = await runWith(['passkey', 'verify', ...line.split(' ')], { daemon, environment, input: [token] });
      assert.equal(ran.status, 0, ran.err);
      assert.match(ran.out, /^The passkey \w+ opens the master key, and keeps this login\.\n$/);
      const calls = daemon.of('passkey.verify');
      assert.deepEqual(
        calls.map(({ params, secrets: sent }) => [params['access'], sent]),
        [
          [access, secrets],
          [access, secrets],
        ],
        'before the step-up and after it',
      );
      assert.ok(!`${ran.out}${ran.err}${JSON.stringify(calls.map(({ params }) => params))}`.includes('canary'));
    }
  });

  it('asks with what is known where no flag says otherwise, whatever the shell has', async () => {
    const daemon = verifying();
    await runWith(['passkey', 'verify', 'office'], { daemon, environment: { VAULT_TOKEN: token, VAULT_ADDR: address } });
    assert.deepEqual(
      daemon.of('passkey.verify').map(({ params, secrets }) => [params, secrets]),
      [[{ passkey: otherId }, []]],
    );
  });

  it('C9 M8: refuses what does not fit the passkey or is for another address, and asks the daemon nothing', async () => {
    for (const [line, pattern] of [
      ['office --address https://evil.example --token-file t', /no passkey is at "https:\/\/evil\.example"/],
      ['office --profile p', /office is a key of Vault\.\nLeave --profile out/],
      ['cloud --token-file t', /cloud is a key of AWS KMS\.\nLeave --token-file out/],
      ['cloud --profile p --credentials chain', /exclude each other/],
      ['safe --token-file t', /safe is a passphrase/],
      ['office --token-file t --role-id r', /exclude each other/],
    ] as const) {
      const daemon = verifying();
      const ran = await runWith(['passkey', 'verify', ...line.split(' ')], { daemon });
      assert.equal(ran.status, 2, line);
      assert.match(ran.err, pattern);
      assert.deepEqual(daemon.of('passkey.verify'), []);
    }
  });
});
