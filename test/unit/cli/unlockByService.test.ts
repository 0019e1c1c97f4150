import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Passkey } from '../../../protocol/methods/passkeys.ts';
import { type Answer, type Asked, FakeDaemon } from './fakeDaemon.ts';
import { memberOf, type Ran, runWith } from './fakeHost.ts';
import { at, id, otherId, passkey, unlockedStatus } from './samples.ts';

const address = 'https://vault.example:8200';
const elsewhere = 'https://vault.elsewhere';
const token = 's.canary7f3a9c';
const secret = JSON.stringify({ kind: 'vaultTransit', token });
const unlocked = { state: 'unlocked', passkeyInUse: 'office', alreadyUnlocked: false, stepUpUntil: at };
const thirdId = 'bbbbbbbb-1111-4222-8333-444455556666';

const vault: Passkey = {
  ...passkey,
  slotId: otherId,
  name: 'office',
  kind: 'vaultTransit',
  reference: { address, namespace: null, mount: 'transit', key: 'holdfast', version: 1 },
};
const away: Passkey = { ...vault, slotId: thirdId, name: 'away', inUse: false, reference: { ...vault.reference, address: elsewhere } };
const kms: Passkey = { ...passkey, slotId: id, name: 'cloud', kind: 'awsKms', reference: { keyArn: 'arn', region: 'eu-west-1' } };
const phrase: Passkey = { ...passkey, slotId: id, name: 'safe', inUse: false };

type Verdict = (asked: Asked) => unknown;

/** A locked daemon with these passkeys. */
function locked(passkeys: readonly Passkey[], verdict: Verdict = () => unlocked): FakeDaemon {
  const answers: Record<string, Answer> = {
    'session.status': () => ({ ...unlockedStatus, state: 'locked' }),
    'passkey.list': () => ({ items: passkeys, next: null }),
    'session.unlock': (_, asked) => verdict(asked),
  };
  return new FakeDaemon(answers);
}

const down: Verdict = ({ params }) => {
  if (params['passphrase'] !== undefined) return unlocked;
  throw new HoldfastError('keyServiceUnavailable', 'Failed to open the passkey: Vault is sealed.', { fix: 'Have it unsealed.' });
};

const said = (daemon: FakeDaemon): readonly unknown[] => daemon.of('session.unlock').map(({ params }) => params);

function assertUntold(ran: Ran, daemon: FakeDaemon): void {
  assert.ok(!/canary/.test(`${ran.out}${ran.err}${ran.questions.join('')}${JSON.stringify(daemon.asked.map(({ params }) => params))}`));
}

describe('cli unlock by a key service', () => {
  it('asks the key services without a passphrase where one of them is in use, whatever the terminal', async () => {
    for (const options of [{}, { answers: [] }]) {
      const daemon = locked([vault, phrase]);
      const ran = await runWith(['unlock'], { daemon, ...options });
      assert.deepEqual([ran.status, ran.out, ran.questions], [0, 'Unlocked. The passkey in use is office.\n', []]);
      assert.deepEqual(said(daemon), [{}]);
    }
  });

  it('D6: says in one line why it failed and asks for the passphrase; without a terminal, or a passphrase passkey, the error stands', async () => {
    const asked = await runWith(['unlock'], { daemon: locked([vault, phrase], down), answers: ['p'] });
    assert.equal(asked.status, 0);
    assert.match(asked.err, /^Failed to open the passkey: Vault is sealed\.\n/);
    assert.deepEqual(asked.questions.length, 1);
    for (const [daemon, options] of [
      [locked([vault, phrase], down), {}],
      [locked([vault], down), { answers: ['p'] }],
    ] as const) {
      const refused = await runWith(['unlock'], { daemon, ...options });
      assert.deepEqual([refused.status, refused.questions], [1, []]);
      assert.match(refused.err, /Vault is sealed\.\nHave it unsealed\.\n$/);
    }
  });

  it('asks for a passphrase that is in use, and without a terminal goes on to the others', async () => {
    const items = [vault, { ...phrase, inUse: true }].map((each) => ({ ...each, inUse: each.kind === 'passphrase' }));
    const daemon = locked(items);
    assert.equal((await runWith(['unlock'], { daemon, answers: ['p'] })).questions.length, 1);
    assert.notEqual(memberOf(said(daemon)[0], 'passphrase'), undefined);
    const piped = locked(items);
    assert.equal((await runWith(['unlock'], { daemon: piped })).status, 0);
    assert.deepEqual(said(piped), [{}]);
  });

  it('tries a passkey that is named alone, in its own way', async () => {
    const daemon = locked([phrase, vault]);
    const byKey = await runWith(['unlock', '--passkey', 'office'], { daemon, answers: [] });
    const byPassphrase = await runWith(['unlock', '--passkey', 'safe'], { daemon, answers: ['p'] });
    assert.equal(byKey.out, 'Unlocked. The passkey in use is office.\n');
    assert.equal(byPassphrase.out, 'Unlocked with safe. The passkey in use is office.\n');
    assert.deepEqual(
      said(daemon).map((params) => memberOf(params, 'passkey')),
      [otherId, id],
    );
    const failing = await runWith(['unlock', '--passkey', 'office'], { daemon: locked([phrase, vault], down), answers: ['p'] });
    assert.deepEqual([failing.status, failing.questions], [1, []]);
    assert.equal((await runWith(['unlock', '--passkey', 'nobody'], { daemon: locked([vault]) })).status, 2);
  });

  it('C9 K6: hands the token of the shell to the address that it is for and to no other, then asks as it is known', async () => {
    for (const [environment, first] of [
      [{ VAULT_TOKEN: token, VAULT_ADDR: `${elsewhere}/` }, thirdId],
      [{ VAULT_TOKEN: token }, otherId],
      [{ BAO_TOKEN: token, BAO_ADDR: address }, otherId],
    ] as const) {
      const daemon = locked([vault, away], ({ params }) => {
        if (params['access'] === undefined) return unlocked;
        throw new HoldfastError('keyServiceRefused', 'Failed to open the passkey: the token may not.');
      });
      const ran = await runWith(['unlock'], { daemon, environment });
      assert.equal(ran.status, 0, ran.err);
      const access = { kind: 'vaultTransit', login: { method: 'given' }, caFile: null };
      assert.deepEqual(
        daemon.of('session.unlock').map(({ params, secrets }) => [params['passkey'], params['access'], secrets]),
        [
          [first, access, [secret]],
          [undefined, undefined, []],
        ],
      );
      assertUntold(ran, daemon);
    }
    const nobodys = locked([vault]);
    await runWith(['unlock'], { daemon: nobodys, environment: { VAULT_TOKEN: token, VAULT_ADDR: 'https://third.example' } });
    assert.deepEqual(said(nobodys), [{}]);
  });

  it('K6: hands the AWS keys of the shell to keys of KMS alone', async () => {
    const daemon = locked([vault, kms]);
    const environment = { AWS_ACCESS_KEY_ID: 'AKIACANARY', AWS_SECRET_ACCESS_KEY: 'canary' };
    const ran = await runWith(['unlock'], { daemon, environment });
    assert.equal(ran.status, 0, ran.err);
    const [asked] = daemon.of('session.unlock');
    assert.deepEqual(asked?.params['access'], { kind: 'awsKms', endpoint: null, credentials: { source: 'given' } });
    assert.equal(asked?.params['passkey'], kms.slotId);
    assertUntold(ran, daemon);
  });

  it('logs in by the flags, at the address of the first Vault passkey or the one that is typed', async () => {
    const cases: readonly (readonly [flags: string, slots: readonly string[], access: object, secrets?: readonly string[]])[] = [
      ['--token-file t', [otherId], { kind: 'vaultTransit', login: { method: 'tokenFile', tokenFile: '/home/user/here/t' }, caFile: null }],
      ['--token-file -', [otherId], { kind: 'vaultTransit', login: { method: 'given' }, caFile: null }, [secret]],
      [
        `--role-id r --secret-id-file /s --ca-file ca --address ${elsewhere}/`,
        [thirdId],
        { kind: 'vaultTransit', login: { method: 'appRole', roleId: 'r', secretIdFile: '/s' }, caFile: '/home/user/here/ca' },
      ],
      ['--ca-file ca', [otherId], { kind: 'vaultTransit', login: { method: 'given' }, caFile: '/home/user/here/ca' }],
      ['--profile work', [id], { kind: 'awsKms', endpoint: null, credentials: { source: 'profile', profile: 'work' } }],
    ];
    for (const [flags, slots, access, secrets = []] of cases) {
      const daemon = locked([vault, away, kms]);
      const ran = await runWith(['unlock', ...flags.split(' ')], { daemon, input: [token] });
      assert.equal(ran.status, 0, ran.err);
      assert.deepEqual(
        daemon.of('session.unlock').map((asked) => [asked.params['passkey'], asked.params['access'], asked.secrets]),
        slots.map((slot) => [slot, access, secrets]),
      );
      assertUntold(ran, daemon);
    }
    // An address alone takes the login that is known.
    const known = locked([vault, away]);
    await runWith(['unlock', '--address', elsewhere], { daemon: known });
    assert.deepEqual(said(known), [{ passkey: thirdId }]);
  });

  it('C9: sends nothing to an address that no passkey has', async () => {
    for (const flags of [
      ['--address', 'https://evil.example', '--token-file', 't'],
      ['--address', elsewhere, '--passkey', 'office', '--token-file', 't'],
    ]) {
      const daemon = locked([vault, away]);
      const { status, err } = await runWith(['unlock', ...flags], { daemon });
      assert.equal(status, 2);
      assert.match(err, /credentials go to no other address than a passkey's\.\nLeave --address out: there is "https:/);
      assert.deepEqual(said(daemon), []);
    }
  });

  it('M8: refuses flags that do not fit each other or any passkey', async () => {
    for (const [flags, passkeys] of [
      ['--passphrase-file f --token-file t', [vault]],
      ['--profile p --ca-file c', [vault, kms]],
      ['--token-file t --role-id r', [vault]],
      ['--token-file t', [kms]],
      ['--profile p', [vault]],
      ['--address ftp://x', [vault]],
      ['--address', [vault]],
    ] as const) {
      const daemon = locked(passkeys);
      assert.equal((await runWith(['unlock', ...flags.split(' ')], { daemon })).status, 2, flags);
      assert.deepEqual(said(daemon), []);
    }
  });

  it('is done at once where it is unlocked already, whatever is given', async () => {
    const daemon = new FakeDaemon({ 'session.status': () => unlockedStatus });
    const ran = await runWith(['unlock', '--token-file', '-'], { daemon, input: [token] });
    assert.equal(ran.out, 'Already unlocked.\n');
    assert.deepEqual(daemon.of('session.unlock'), []);
  });
});
