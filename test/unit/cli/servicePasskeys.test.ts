import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Passkey, PasskeyGate } from '../../../protocol/methods/passkeys.ts';
import { type Answer, FakeDaemon } from './fakeDaemon.ts';
import { FakeHost, memberOf, type Ran, runOn, runWith } from './fakeHost.ts';
import { at, id, otherId, passkey } from './samples.ts';

const address = 'https://vault.example:8200';
const keyArn = 'arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-000000000001';
const vaultPasskey: Passkey = {
  ...passkey,
  slotId: otherId,
  name: 'office',
  kind: 'vaultTransit',
  reference: { address, namespace: null, mount: 'transit', key: 'holdfast', version: 2 },
};
const kmsPasskey: Passkey = {
  ...passkey,
  name: 'cloud',
  kind: 'awsKms',
  reference: { keyArn, alias: 'alias/backup', region: 'eu-west-1' },
};
const canary = 's.canary7f3a9c';
const awsShell = { AWS_ACCESS_KEY_ID: 'AKIACANARY', AWS_SECRET_ACCESS_KEY: 'canary/geheim' };
const until = '2026-05-01T00:00:00.000Z';
const needed: PasskeyGate = {
  allowed: false,
  from: until,
  reasons: [{ what: 'keyring 7 in bucket is locked and holds it', until }],
  begins: false,
  isBegun: false,
  others: ['paper'],
  waysIn: 1,
  commands: [],
  opensKeyringsUntil: until,
  notes: [],
};
const free: PasskeyGate = {
  allowed: true,
  from: at,
  reasons: [],
  begins: false,
  isBegun: false,
  others: ['paper'],
  waysIn: 1,
  commands: ['vault write x'],
  opensKeyringsUntil: null,
  notes: [],
};

const addVault = ['passkey', 'add', 'vault-transit', 'office', '--key', 'holdfast'];
const addKms = ['passkey', 'add', 'aws-kms', 'cloud', '--key-id', 'alias/backup', '--region', 'eu-west-1'];

function adding(made: Passkey = vaultPasskey): FakeDaemon {
  return new FakeDaemon({ 'passkey.add': () => made });
}

/** Nothing that was said, printed or put into a request holds a secret. */
function assertUntold(ran: Ran, daemon: FakeDaemon): void {
  const told = `${ran.out}${ran.err}${ran.questions.join('')}${JSON.stringify(daemon.asked.map(({ params }) => params))}`;
  assert.ok(!/canary/i.test(told), told);
}

describe('cli passkey add vault-transit', () => {
  it('says where the key is and how Vault is logged in to, with paths made absolute from where it was typed', async () => {
    const cases: readonly (readonly [flags: string, login: object, caFile?: string])[] = [
      ['--token-file token', { method: 'tokenFile', tokenFile: '/home/user/here/token' }],
      [
        '--role-id r1 --secret-id-file ../secret --ca-file ca.pem',
        { method: 'appRole', roleId: 'r1', secretIdFile: '/home/user/secret' },
        '/home/user/here/ca.pem',
      ],
      ['--jwt-file /run/jwt --role backup', { method: 'jwt', jwtFile: '/run/jwt', role: 'backup', mount: 'kubernetes' }],
      ['--jwt-file /run/jwt --role backup --jwt-mount auth2/', { method: 'jwt', jwtFile: '/run/jwt', role: 'backup', mount: 'auth2' }],
      ['', { method: 'environment' }],
    ];
    for (const [flags, login, caFile = null] of cases) {
      const daemon = adding();
      const ran = await runWith([...addVault, '--address', `${address}/`, ...flags.split(' ').filter((word) => word !== '')], { daemon });
      assert.equal(ran.status, 0, ran.err);
      const { requestId: _, ...params } = daemon.of('passkey.add')[0]?.params ?? {};
      assert.deepEqual(params, {
        name: 'office',
        target: { kind: 'vaultTransit', address, namespace: null, mount: 'transit', key: 'holdfast' },
        access: { kind: 'vaultTransit', login, caFile },
        useNow: false,
      });
      assert.match(
        ran.out,
        /^Added the passkey office; it is in use now: version 2 of transit\/holdfast at https:\/\/vault\.example:8200\.\n$/,
      );
    }
  });

  it('K6: takes address, namespace, CA and token from the shell; the token goes as a secret, is told to nobody and wiped', async () => {
    for (const names of [
      ['VAULT_ADDR', 'VAULT_NAMESPACE', 'VAULT_CACERT', 'VAULT_TOKEN'],
      ['BAO_ADDR', 'BAO_NAMESPACE', 'BAO_CACERT', 'BAO_TOKEN'],
    ]) {
      const daemon = adding();
      const values = [address, 'team/', 'ca.pem', canary];
      const environment = Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
      const host = new FakeHost({ daemon, environment });
      const ran = await runOn(host, [...addVault, '--use-now', '--json']);
      assert.deepEqual([ran.status, ran.json()], [0, vaultPasskey], ran.err);
      const [asked] = daemon.of('passkey.add');
      assert.deepEqual(asked?.params['target'], { kind: 'vaultTransit', address, namespace: 'team', mount: 'transit', key: 'holdfast' });
      assert.deepEqual(asked?.params['access'], { kind: 'vaultTransit', login: { method: 'given' }, caFile: '/home/user/here/ca.pem' });
      assert.deepEqual(asked?.secrets, [JSON.stringify({ kind: 'vaultTransit', token: canary })]);
      assertUntold(ran, daemon);
    }
  });

  it('C9 K6: a token of the shell goes to no other address than the one that the shell has it for', async () => {
    const others: readonly Readonly<Record<string, string>>[] = [
      { VAULT_ADDR: 'https://other.example', VAULT_TOKEN: canary },
      { BAO_ADDR: 'https://other.example', VAULT_TOKEN: canary },
      // Each token is for the address of its own program.
      { VAULT_ADDR: 'https://other.example', VAULT_TOKEN: canary, BAO_ADDR: address },
    ];
    for (const environment of others) {
      const daemon = adding();
      const ran = await runWith([...addVault, '--address', address], { daemon, environment });
      assert.deepEqual([ran.status, daemon.asked], [2, []], 'nor does the daemon log in with what it finds');
      assert.match(
        ran.err,
        /the token of this shell is for "https:\/\/other\.example" .*, and the key is at "https:\/\/vault\.example:8200"\.\n.*--token-file F/,
      );
      assertUntold(ran, daemon);
    }
    const daemon = adding();
    const environment = { VAULT_ADDR: 'https://other.example', VAULT_TOKEN: canary, BAO_ADDR: address, BAO_TOKEN: 's.bao' };
    await runWith([...addVault, '--address', address], { daemon, environment });
    assert.deepEqual(daemon.of('passkey.add')[0]?.secrets, [JSON.stringify({ kind: 'vaultTransit', token: 's.bao' })]);
  });

  it('K6: takes a token from standard input, and tells what the daemon warns of', async () => {
    const daemon = adding({ ...vaultPasskey, inUse: false, warnings: ['Its credentials lie sealed.'] });
    const ran = await runWith([...addVault, '--address', address, '--token-file', '-'], { daemon, input: [canary] });
    assert.deepEqual(daemon.of('passkey.add')[0]?.secrets, [JSON.stringify({ kind: 'vaultTransit', token: canary })]);
    assert.match(ran.out, /^Added the passkey office: .*\noffice: Its credentials lie sealed\.\n$/);
    assertUntold(ran, daemon);
  });

  it('M8: refuses what can not be, with 2, a way out, and nothing asked of the daemon', async () => {
    const cases: readonly (readonly [args: readonly string[], pattern: RegExp])[] = [
      [[], /--address URL is missing/],
      [['--address', 'http://vault.example'], /plain http must be a loopback/],
      [['--address', 'https://169.254.169.254'], /link-local or metadata/],
      [['--address', ''], /the address must be/],
      [['--address', address, '--mount', '../x'], /a mount has/],
      [['--address', address, '--namespace', 'a\r\nb'], /a mount has/],
      [['--address', address, '--token-file', 'f', '--role-id', 'r'], /exclude each other/],
      [['--address', address, '--role-id', 'r'], /--secret-id-file is missing/],
      [['--address', address, '--secret-id-file', 'f'], /--role-id is missing/],
      [['--address', address, '--role-id', 'r', '--secret-id-file', '-'], /can not be standard input/],
      [['--address', address, '--jwt-file', 'f'], /--role is missing/],
      [['--address', address, '--token-file', '-'], /is empty/],
      [['--address', address, '--ca-file', ''], /it is empty/],
    ];
    for (const [args, pattern] of cases) {
      const daemon = new FakeDaemon({});
      const ran = await runWith([...addVault, ...args], { daemon });
      assert.equal(ran.status, 2, args.join(' '));
      assert.match(ran.err, pattern);
      assert.equal(ran.err.trimEnd().split('\n').length, 2, ran.err);
      assert.deepEqual(daemon.asked, []);
    }
    const daemon = new FakeDaemon({});
    const ran = await runWith([...addVault, '--address', address], { daemon, environment: { VAULT_TOKEN: `${canary} x` } });
    assert.deepEqual([ran.status, daemon.asked.length], [2, 0]);
    assertUntold(ran, daemon);
  });
});

describe('cli passkey add aws-kms', () => {
  it('K6: hands over the keys of the shell, sends them anew after a step-up, and says that temporary ones run out', async () => {
    let tries = 0;
    const daemon = new FakeDaemon({
      'passkey.add': () => {
        tries += 1;
        if (tries === 1) throw new HoldfastError('stepUpNeeded', 'Failed to add it: a passphrase is needed.');
        return kmsPasskey;
      },
      'session.stepUp': () => ({ until: at }),
    });
    const environment = { ...awsShell, AWS_SESSION_TOKEN: 'canary-kurz' };
    const ran = await runWith(addKms, { daemon, environment, answers: ['p'] });
    assert.equal(ran.status, 0, ran.err);
    const secret = JSON.stringify({
      kind: 'awsKms',
      accessKeyId: 'AKIACANARY',
      secretAccessKey: 'canary/geheim',
      sessionToken: 'canary-kurz',
    });
    assert.deepEqual(
      daemon.of('passkey.add').map(({ secrets }) => secrets),
      [[secret], [secret]],
    );
    assert.deepEqual(daemon.of('passkey.add')[0]?.params['access'], { kind: 'awsKms', endpoint: null, credentials: { source: 'given' } });
    assert.match(ran.out, /alias\/backup = arn:aws:kms:/);
    assert.match(ran.out, /credentials are temporary/);
    assertUntold(ran, daemon);
  });

  it('says of each other source where credentials come from, and hands nothing over', async () => {
    const role = 'arn:aws:iam::123456789012:role/backup';
    const cases: readonly (readonly [flags: string, credentials: object, endpoint?: string])[] = [
      ['--profile work', { source: 'profile', profile: 'work' }],
      [`--role-arn ${role}`, { source: 'role', roleArn: role }],
      ['--credentials chain --endpoint https://kms.example/', { source: 'chain' }, 'https://kms.example'],
    ];
    for (const [flags, credentials, endpoint = null] of cases) {
      const daemon = adding(kmsPasskey);
      await runWith([...addKms, ...flags.split(' ')], { daemon, environment: awsShell });
      const [asked] = daemon.of('passkey.add');
      assert.deepEqual([asked?.params['access'], asked?.secrets], [{ kind: 'awsKms', endpoint, credentials }, []]);
    }
  });

  it('M8: refuses keys and regions that can not be, before it asks the daemon', async () => {
    for (const [args, pattern] of [
      [['--key-id', 'backup', '--region', 'eu-west-1'], /the key must be an id, an ARN, or an alias/],
      [['--key-id', 'alias/backup', '--region', 'EU West'], /the region must be a name/],
      [['--key-id', 'alias/backup'], /--region R is missing/],
      [['--region', 'eu-west-1'], /--key-id K is missing/],
      [['--key-id', 'alias/x', '--region', 'eu-west-1', '--profile', 'p', '--credentials', 'chain'], /exclude each other/],
      [['--key-id', 'alias/x', '--region', 'eu-west-1', '--endpoint', 'http://kms.example'], /plain http/],
    ] as const) {
      const daemon = new FakeDaemon({});
      const ran = await runWith(['passkey', 'add', 'aws-kms', 'cloud', ...args], { daemon });
      assert.equal(ran.status, 2, args.join(' '));
      assert.match(ran.err, pattern);
      assert.deepEqual(daemon.asked, []);
    }
  });
});

describe('cli init with a key outside', () => {
  it('K6: sets up with it, hands the credentials over as a secret, and says what would be a second way in', async () => {
    const daemon = (): FakeDaemon =>
      new FakeDaemon({
        'session.init': ({ passkeyName }) => ({ installationId: id, passkey: passkeyName, slotId: otherId }),
        'passkey.list': () => ({ items: [vaultPasskey], next: null }),
      });
    const flags = ['init', '--passkey-kind', 'vault-transit', '--key', 'holdfast', '--address', address];
    const asked = daemon();
    const ran = await runWith([...flags, '--json'], { daemon: asked, environment: { VAULT_TOKEN: canary } });
    assert.deepEqual(ran.json(), { installationId: id, passkey: 'vault-transit', slotId: otherId });
    assert.deepEqual(asked.of('session.init')[0]?.secrets, [JSON.stringify({ kind: 'vaultTransit', token: canary })]);
    assertUntold(ran, asked);
    const { out } = await runWith([...flags, '--passkey-name', 'office'], { daemon: daemon() });
    assert.match(out, /^Set up installation .* with the passkey office: version 2 of transit\/holdfast/);
    assert.match(out, /passkey add passphrase NAME/);
    const kms = daemon();
    await runWith(['init', '--passkey-kind', 'aws-kms', '--key-id', 'alias/backup', '--region', 'eu-west-1', '--profile', 'work'], {
      daemon: kms,
    });
    assert.deepEqual(memberOf(kms.of('session.init')[0]?.params, 'key', 'access', 'credentials'), { source: 'profile', profile: 'work' });
  });
});

const listing = (items: readonly Passkey[] = [vaultPasskey, kmsPasskey]): Record<string, Answer> => ({
  'passkey.list': () => ({ items, next: null }),
});

const saying = (gate: PasskeyGate): FakeDaemon => new FakeDaemon({ 'passkey.gate': () => gate });

describe('cli passkey list, verify, gate, retire and rotate of keys outside', () => {
  it('lists what names the key, from when it can go, and what is to be known', async () => {
    const warnings = ['Vault key version 3, passkey at 2.'];
    const items = [
      { ...vaultPasskey, retirableFrom: until, warnings },
      { ...kmsPasskey, retirableFrom: at },
    ];
    const { out } = await runWith(['passkey', 'list'], { daemon: new FakeDaemon(listing(items)) });
    assert.match(out, /\noffice .* 2026-05-01 00:00 UTC +version 2 of transit\/holdfast at https:\/\/vault\.example:8200\n/);
    assert.match(out, /\ncloud .* now +alias\/backup = arn:aws:kms:eu-west-1:123456789012:key/);
    assert.match(out, /\noffice: Vault key version 3, passkey at 2\.\n$/);
  });

  it('takes the region of a KMS key from its ARN where none is named', async () => {
    const add = ['passkey', 'add', 'aws-kms', 'cloud', '--profile', 'p', '--key-id'];
    for (const [more, region] of [
      [[], 'eu-west-1'],
      [['--region', 'us-east-1'], 'us-east-1'],
    ] as const) {
      const daemon = adding(kmsPasskey);
      await runWith([...add, keyArn, ...more], { daemon });
      assert.deepEqual(memberOf(daemon.of('passkey.add')[0]?.params, 'target'), { kind: 'awsKms', keyId: keyArn, region });
    }
    const alias = await runWith([...add, 'alias/backup'], { daemon: adding(kmsPasskey) });
    assert.deepEqual([alias.status, /--region R is missing/.test(alias.err)], [2, true]);
  });

  it('lists kinds in the words of its flags, and from when on a passkey rotates by itself', async () => {
    const items = [{ ...vaultPasskey, rotates: { everyDays: 90, next: until } }, kmsPasskey];
    const { out } = await runWith(['passkey', 'list'], { daemon: new FakeDaemon(listing(items)) });
    assert.match(out, /\noffice +\S+ +vault-transit .*\ncloud +\S+ +aws-kms /);
    assert.match(out, /\noffice: It rotates by itself every 90 days, next from 2026-05-01 00:00 UTC on\.\n$/);
  });

  it('asks before a retirement with everything that needs the passkey', async () => {
    const daemon = new FakeDaemon({
      'passkey.gate': () => needed,
      'passkey.retire': () => {
        throw new HoldfastError('confirmationNeeded', 'Failed to retire passkey office: it is needed.', {
          details: { from: null, reasons: needed.reasons },
        });
      },
    });
    const { err } = await runWith(['passkey', 'retire', 'office'], { daemon, answers: ['n'] });
    assert.match(err, /it is needed\.\n {2}keyring 7 in bucket is locked and holds it, until 2026-05-01 00:00 UTC\n/);
  });

  it('tells of a retired passkey that is named by its old name what finds it', async () => {
    const daemon = new FakeDaemon(listing([{ ...vaultPasskey, state: 'retired' }]));
    const { status, err } = await runWith(['passkey', 'verify', 'office'], { daemon });
    assert.equal(status, 2);
    assert.match(err, new RegExp(`"office": the only one of that name is retired\\.\\nIts id finds it: ${otherId}\\.`));
  });

  it('verifies a key outside without a passphrase, and takes none for it', async () => {
    const daemon = new FakeDaemon({ ...listing(), 'passkey.verify': () => vaultPasskey });
    assert.equal((await runWith(['passkey', 'verify', 'office'], { daemon })).out, 'The passkey office opens the master key.\n');
    assert.deepEqual(daemon.of('passkey.verify')[0]?.params, { passkey: otherId });
    const given = await runWith(['passkey', 'verify', 'office', '--passphrase-file', '-'], { daemon, input: ['p'] });
    assert.deepEqual([given.status, daemon.of('passkey.verify').length], [2, 1]);
    for (const named of ['nothing', 'aaa']) assert.equal((await runWith(['passkey', 'verify', named], { daemon })).status, 2);
  });

  it('gate: the document is the answer, exit 0, with the list and the date, or the commands', async () => {
    const programs = await runWith(['passkey', 'gate', 'office', '--json'], { daemon: saying(needed) });
    assert.deepEqual([programs.status, programs.json()], [0, needed]);
    const people = await runWith(['passkey', 'gate', 'office'], { daemon: saying(needed) });
    assert.equal(people.status, 0);
    assert.match(
      people.out,
      /still needed:\n {2}keyring 7 in bucket is locked and holds it, until 2026-05-01 00:00 UTC\nIt may go from 2026-05-01 00:00 UTC on\./,
    );
    assert.match(people.out, /until then, who has its old secret or key can open them/);
    assert.match((await runWith(['passkey', 'gate', 'office'], { daemon: saying(free) })).out, /may go\.\n\n.*\n {2}vault write x\n$/);
    const never = { ...needed, from: null, reasons: [{ what: 'it is in use', until: null }], opensKeyringsUntil: null };
    assert.match((await runWith(['passkey', 'gate', 'office'], { daemon: saying(never) })).out, /it is in use\nWaiting does not help/);
    const notes = ['Keyring 7 in bucket is the newest there.'];
    const undated = { ...needed, from: null, begins: true, opensKeyringsUntil: null, notes };
    assert.match(
      (await runWith(['passkey', 'gate', 'my office'], { daemon: saying(undated) })).out,
      /\nNo date stands yet: "holdfast passkey retire 'my office'" is refused too, .*\nKeyring 7 in bucket is the newest there\.\n$/,
    );
  });

  it('D1 D2: retire is refused with 4, with the list and the date in the text and in the details', async () => {
    const refusal: Answer = () => {
      throw new HoldfastError('refusedByRule', 'Failed to retire passkey office: what is locked needs it until 2026-05-01 00:00 UTC.', {
        fix: 'Retire it from then on.',
        details: { from: until, reasons: needed.reasons },
      });
    };
    const daemon = new FakeDaemon({ 'passkey.retire': refusal, 'passkey.gate': () => needed });
    const programs = await runWith(['passkey', 'retire', 'office', '--yes', '--json'], { daemon });
    assert.deepEqual([programs.status, memberOf(programs.json(), 'error', 'details')], [4, { from: until, reasons: needed.reasons }]);
    for (const flags of [[], ['--end-key']]) {
      const { status, err, questions } = await runWith(['passkey', 'retire', 'office', ...flags], { daemon, answers: [] });
      assert.deepEqual([status, questions], [4, []]);
      assert.match(
        err,
        /until 2026-05-01 00:00 UTC\.\n {2}keyring 7 in bucket is locked and holds it, until 2026-05-01 00:00 UTC\nRetire it from then on\.\n$/,
      );
    }
  });

  it('retires, and prints what ends the key outside; ends it itself only when asked, after a question', async () => {
    const answers = {
      'passkey.retire': ({ outside }: Readonly<Record<string, unknown>>) => ({
        ...vaultPasskey,
        state: 'retired',
        outside: outside === 'end' ? 'ended' : null,
        reasons: [],
      }),
      'passkey.gate': () => free,
    };
    const kept = await runWith(['passkey', 'retire', 'office'], { daemon: new FakeDaemon(answers) });
    assert.match(kept.out, /^Retired the passkey office\.\n\nIts key outside can end now, .*\n {2}vault write x\n$/);
    assert.deepEqual(
      memberOf((await runWith(['passkey', 'retire', 'office', '--json'], { daemon: new FakeDaemon(answers) })).json(), 'commands'),
      ['vault write x'],
    );
    for (const [options, status, outside] of [
      [{}, 2, undefined],
      [{ answers: ['n'] }, 130, undefined],
      [{ answers: ['y'] }, 0, 'end'],
    ] as const) {
      const daemon = new FakeDaemon(answers);
      const ran = await runWith(['passkey', 'retire', 'office', '--end-key'], { daemon, ...options });
      assert.deepEqual([ran.status, daemon.of('passkey.retire')[0]?.params['outside']], [status, outside]);
      assert.match(ran.err, /its key outside ends by vault write x/);
    }
    const said = new FakeDaemon(answers);
    const ended = await runWith(['passkey', 'retire', 'office', '--end-key', '--yes'], { daemon: said });
    assert.equal(ended.out, 'Retired the passkey office.\nIts key outside ends too.\n');
    assert.deepEqual(said.of('passkey.retire')[0]?.params, { passkey: 'office', confirmed: true, outside: 'end' });
    assert.deepEqual(said.of('passkey.gate'), []);
  });

  it('says what became of the key outside, and prints what ends it where it was not ended', async () => {
    const reasons = [{ what: 'passkey cloud is wrapped with it', until: null }];
    const daemon = new FakeDaemon({
      'passkey.retire': () => ({ ...vaultPasskey, state: 'retired', outside: 'stillNeeded', reasons }),
      'passkey.gate': () => free,
    });
    const { out } = await runWith(['passkey', 'retire', 'office', '--end-key', '--yes'], { daemon });
    assert.match(
      out,
      /^Retired the passkey office\.\nIts key outside goes on: passkey cloud is wrapped with it\.\n\n.*\n {2}vault write x\n$/,
    );
    const paper = { ...vaultPasskey, kind: 'passphrase', state: 'retired', outside: 'nothingToEnd', reasons: [] };
    const without = new FakeDaemon({ 'passkey.retire': () => paper, 'passkey.gate': () => free });
    assert.match(
      (await runWith(['passkey', 'retire', 'office', '--end-key', '--yes'], { daemon: without })).out,
      /no key outside to end\.\n$/,
    );
  });

  it('D3: agrees to nothing where the gate is closed: the daemon asks before keyrings leave it out', async () => {
    const asks = (): FakeDaemon =>
      new FakeDaemon({
        'passkey.gate': () => needed,
        'passkey.retire': ({ confirmed }) => {
          if (confirmed === true) throw new HoldfastError('refusedByRule', 'Failed to retire passkey office: what is locked needs it.');
          throw new HoldfastError('confirmationNeeded', 'Failed to retire passkey office: new keyrings leave it out from then on.', {
            details: { from: null, reasons: [] },
          });
        },
      });
    for (const [options, status, confirmed] of [
      [{}, 4, [false]],
      [{ answers: ['n'] }, 130, [false]],
      [{ answers: ['y'] }, 4, [false, true]],
    ] as const) {
      const daemon = asks();
      const ran = await runWith(['passkey', 'retire', 'office', '--end-key'], { daemon, ...options });
      assert.deepEqual([ran.status, daemon.of('passkey.retire').map(({ params }) => params['confirmed'])], [status, confirmed]);
    }
  });

  it('rotates without a passphrase, prints each step, and what the gate says of the old one', async () => {
    const rotated = {
      passkey: vaultPasskey,
      previous: { ...vaultPasskey, name: 'office@v2', inUse: false },
      gate: needed,
      steps: ['One.', 'Two.'],
    };
    const daemon = new FakeDaemon({ ...listing(), 'passkey.rotate': () => rotated });
    assert.deepEqual((await runWith(['passkey', 'rotate', 'office', '--json'], { daemon })).json(), rotated);
    const { out } = await runWith(['passkey', 'rotate', 'office', '--every', '90d'], { daemon });
    assert.match(out, /^Rotated the passkey office:\n {2}1\. One\.\n {2}2\. Two\.\nIt rotates by itself every 90 days from now on\.\n/);
    assert.match(out, /The passkey office@v2 is still needed:/);
    assert.match(out, /holdfast passkey gate office@v2 says when/);
    assert.deepEqual(
      daemon.of('passkey.rotate').map(({ params }) => params['everyDays']),
      [undefined, 90],
    );
  });

  it('ends the schedule without rotating; a passphrase has none', async () => {
    const daemon = new FakeDaemon({ ...listing([vaultPasskey, passkey]), 'passkey.schedule': () => vaultPasskey });
    const ran = await runWith(['passkey', 'rotate', 'office', '--no-schedule', '--json'], { daemon });
    assert.deepEqual(ran.json(), { passkey: vaultPasskey, previous: null, gate: null, steps: [] });
    assert.deepEqual(daemon.of('passkey.schedule')[0]?.params, { passkey: otherId, everyDays: null });
    for (const args of [
      ['laptop', '--every', '90d'],
      ['laptop', '--no-schedule'],
      ['office', '--every', '1h'],
      ['office', '--every', '90d', '--no-schedule'],
      ['office', '--passphrase-file', 'f'],
    ]) {
      assert.equal((await runWith(['passkey', 'rotate', ...args], { daemon })).status, 2, args.join(' '));
    }
  });

  it('prints the command to copy where the service does not let it: exit 4, on a line of its own', async () => {
    const command = 'vault write -address=https://vault.example:8200 -f transit/keys/holdfast/rotate';
    const daemon = new FakeDaemon({
      ...listing(),
      'passkey.rotate': () => {
        throw new HoldfastError('refusedByRule', 'Failed to rotate the Vault key: this program may not.', {
          fix: 'Hand the command to whoever may run it, then rotate again.',
          details: { problem: 'accessDenied', command },
        });
      },
    });
    const programs = await runWith(['passkey', 'rotate', 'office', '--json'], { daemon });
    assert.deepEqual([programs.status, memberOf(programs.json(), 'error', 'details', 'command')], [4, command]);
    const { err } = await runWith(['passkey', 'rotate', 'office'], { daemon });
    assert.ok(err.endsWith(`then rotate again.\n  ${command}\n`), err);
  });

  it('proves by a key service who it is where no passkey is a passphrase', async () => {
    let isProved = false;
    const daemon = new FakeDaemon({
      'passkey.use': () => {
        if (!isProved) throw new HoldfastError('stepUpNeeded', 'Failed to use it: prove who you are.');
        return vaultPasskey;
      },
      'session.stepUp': () => {
        isProved = true;
        return { until: at };
      },
    });
    daemon.isProvedByService = true;
    assert.equal((await runWith(['passkey', 'use', 'office'], { daemon })).status, 0);
  });
});

describe('cli passkey policies', () => {
  it('prints the smallest policies without a daemon, as text to copy and as JSON', async () => {
    const vault = await runWith(['passkey', 'vault-policy', '--key', 'holdfast', '--mount', 'team/transit'], { isRunning: false });
    assert.deepEqual([vault.status, vault.started], [0, false]);
    assert.match(vault.out, /^path "team\/transit\/encrypt\/holdfast" \{\n {2}capabilities = \["update"\]\n\}\n/);
    const asJson = await runWith(['passkey', 'vault-policy', '--key', 'holdfast', '--json'], { isRunning: false });
    assert.match(String(memberOf(asJson.json(), 'policy')), /path "transit\/keys\/holdfast" \{\n {2}capabilities = \["read"\]/);
    const args = ['passkey', 'aws-policy', '--key-id', keyArn, '--principal', 'arn:aws:iam::123456789012:role/backup'];
    const aws = await runWith([...args, '--json'], { isRunning: false });
    assert.deepEqual(memberOf(aws.json(), 'iamPolicy', 'Version'), '2012-10-17');
    assert.ok(!aws.out.includes('kms:*'));
    assert.match((await runWith(args)).out, /"kms:EncryptionContext:app": "holdfast"/);
  });

  it('M8: prints nothing for names that are none', async () => {
    for (const args of [
      ['vault-policy', '--key', 'a"b'],
      ['vault-policy', '--key', 'k', '--mount', '../sys'],
      ['aws-policy', '--key-id', 'alias/x', '--principal', 'arn:aws:iam::123456789012:role/backup'],
      ['aws-policy', '--key-id', keyArn, '--principal', '*'],
    ]) {
      const ran = await runWith(['passkey', ...args]);
      assert.deepEqual([ran.status, ran.out], [2, ''], args.join(' '));
    }
  });
});
