import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Location } from '../../../protocol/methods/locations.ts';
import { FakeDaemon } from './fakeDaemon.ts';
import { FakeHost, type FakeHostOptions, type Ran, runOn, runWith } from './fakeHost.ts';
import { bucket, location } from './samples.ts';

const keys = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'geheim/Schluessel+1' };
const shell = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
const temporary = { ...shell, AWS_SESSION_TOKEN: 'kurzlebig' };
const keysFile = '/home/user/here/keys';
const base = ['location', 'add', 's3', 'vault', '--bucket', 'backups', '--region', 'eu-west-1'];
const plain: Location = { ...bucket, immutable: false, protectionPeriodDays: null, lockMode: null, lockProof: null, safeUntil: null };
const sealed: Location = {
  ...bucket,
  s3: { bucket: 'backups', region: 'eu-west-1', credentials: { source: 'sealed' } },
};

function adding(saved: Location = plain): FakeDaemon {
  return new FakeDaemon({ 'location.add': () => ({ location: saved, checks: [] }) });
}

function editing(present: readonly Location[] = [bucket], saved: Location = bucket): FakeDaemon {
  return new FakeDaemon({
    'location.list': () => ({ items: present, next: null }),
    'location.edit': () => ({ location: saved, checks: [] }),
  });
}

/** Nothing that was said, printed or put into a request holds a key; it went as a secret. */
function assertUntold(ran: Ran, daemon: FakeDaemon): void {
  const told = `${ran.out}${ran.err}${ran.questions.join('')}${JSON.stringify(daemon.asked.map(({ params }) => params))}`;
  for (const part of [keys.secretAccessKey, keys.accessKeyId, 'kurzlebig']) assert.ok(!told.includes(part), told);
}

describe('cli location add s3', () => {
  it('says where the bucket is, and leaves out what was not said', async () => {
    const daemon = adding();
    const { status, json } = await runWith([...base, '--json'], { daemon });
    assert.deepEqual([status, json()], [0, { ...plain, checks: [] }]);
    assert.deepEqual(daemon.of('location.add')[0]?.params, {
      name: 'vault',
      spec: { kind: 's3', bucket: 'backups', region: 'eu-west-1', credentials: { source: 'chain' } },
    });
    const full = adding(bucket);
    await runWith(
      [
        ...base,
        ...'--endpoint https://nas.example:9000/ --prefix team/a/ --path-style --profile work --protection-period 2w'.split(' '),
        ...'--lock-mode governance --upload-limit 5MiB'.split(' '),
      ],
      { daemon: full },
    );
    assert.deepEqual(full.of('location.add')[0]?.params, {
      name: 'vault',
      spec: {
        kind: 's3',
        bucket: 'backups',
        region: 'eu-west-1',
        endpoint: 'https://nas.example:9000',
        prefix: 'team/a',
        pathStyle: true,
        credentials: { source: 'profile', profile: 'work' },
      },
      protectionPeriodDays: 14,
      lockMode: 'governance',
      uploadLimit: 5 * 1024 * 1024,
    });
  });

  it('K6: hands the keys of the shell over as a secret, and tells them to nobody', async () => {
    const daemon = adding(sealed);
    const host = new FakeHost({ daemon, environment: temporary });
    const ran = await runOn(host, [...base, '--protection-period', '30']);
    assert.equal(ran.status, 0, ran.err);
    const [asked] = daemon.of('location.add');
    assert.deepEqual(asked?.params['spec'], { kind: 's3', bucket: 'backups', region: 'eu-west-1', credentials: { source: 'sealed' } });
    assert.deepEqual(JSON.parse(asked?.secrets[0] ?? ''), { ...keys, sessionToken: 'kurzlebig' });
    assertUntold(ran, daemon);
    assert.match(ran.out, /while the daemon is locked it can not keep the locks long enough/);
    assert.match(ran.out, /keys are temporary/);
  });

  it('K6: takes keys from a file and from standard input, wipes them, and warns of a file that others may read', async () => {
    const files = { [keysFile]: JSON.stringify(keys) };
    const lines = ['[default]', `aws_access_key_id = ${keys.accessKeyId}`, `aws_secret_access_key = ${keys.secretAccessKey}`];
    const cases: readonly (readonly [flag: string, options: FakeHostOptions, isWarned: boolean])[] = [
      ['keys', { files }, false],
      ['keys', { files, openFiles: [keysFile] }, true],
      ['-', { input: lines }, false],
      ['-', { input: [JSON.stringify(keys)] }, false],
    ];
    for (const [file, options, isWarned] of cases) {
      const daemon = adding();
      // The shell's own are not asked for where a file is named.
      const host = new FakeHost({ ...options, daemon, environment: { AWS_ACCESS_KEY_ID: 'other' } });
      const ran = await runOn(host, [...base, '--credentials-file', file]);
      assert.equal(ran.status, 0, ran.err);
      assert.deepEqual(JSON.parse(daemon.of('location.add')[0]?.secrets[0] ?? ''), keys);
      assert.equal(/Other users of this machine may read/.test(ran.err), isWarned);
      assertUntold(ran, daemon);
      for (const bytes of host.handedOver) assert.ok(bytes.every((byte) => byte === 0));
    }
  });

  it('says of each other source where credentials come from, and hands nothing over', async () => {
    const role = 'arn:aws:iam::123456789012:role/backup';
    const cases: readonly (readonly [flags: readonly string[], expected: object])[] = [
      [['--profile', 'work'], { source: 'profile', profile: 'work' }],
      [['--role-arn', role], { source: 'role', roleArn: role }],
      [['--credentials', 'chain'], { source: 'chain' }],
    ];
    for (const [flags, expected] of cases) {
      const daemon = adding();
      await runWith([...base, ...flags], { daemon, environment: shell });
      const [asked] = daemon.of('location.add');
      assert.deepEqual(asked?.params['spec'], { kind: 's3', bucket: 'backups', region: 'eu-west-1', credentials: expected });
      assert.deepEqual(asked?.secrets, []);
    }
    const withProfile = await runWith(base, { daemon: adding(), environment: { AWS_PROFILE: 'work' } });
    assert.match(withProfile.err, /AWS_PROFILE is set in this shell alone: say --profile work/);
  });

  it('says whether it is immutable, and whether that is proved', async () => {
    const said = async (saved: Location): Promise<string> => (await runWith(base, { daemon: adding(saved) })).out;
    assert.match(await said(plain), /not immutable.*\n.*holdfast location edit vault --protection-period 30/);
    assert.match(await said(bucket), /locked \(compliance\), and kept locked for 30 days ahead.* The lock is proved\./);
    assert.match(
      await said({ ...bucket, lockProof: null, immutable: false }),
      /Whether the lock holds is tried next.* holdfast location prove-lock vault/,
    );
    assert.match(await said({ ...bucket, lockProof: { verdict: 'notEnforced', at: '2026-03-01T11:00:00.000Z' } }), /does not hold/);
    assert.doesNotMatch(await said(bucket), /sealed in the catalog/);
  });

  it('prints the checks and ends with 1 where one fails', async () => {
    const failing = { check: 'objectLock', result: 'fail', detail: 'The bucket has no Object Lock.', fix: 'Make another bucket.' };
    const daemon = (): FakeDaemon => new FakeDaemon({ 'location.add': () => ({ location: null, checks: [failing] }) });
    const programs = await runWith([...base, '--protection-period', '30', '--json'], { daemon: daemon() });
    assert.deepEqual([programs.status, programs.json()], [1, [failing]]);
    const people = await runWith([...base, '--protection-period', '30'], { daemon: daemon(), environment: shell });
    assert.match(people.out, /^fail {2}objectLock: .*\n {6}Make another bucket\.\n\nNothing was saved\.\n$/);
  });

  it('asks before a period beyond 90 days, after a sentence on what it costs', async () => {
    const long = [...base, '--protection-period', '91'];
    const refused = await runWith(long, { daemon: new FakeDaemon({}) });
    assert.equal(refused.status, 2);
    assert.match(refused.err, /--yes: A protection period of 91 days costs: .* paid for, up to 91 days longer/);
    const no = await runWith(long, { daemon: new FakeDaemon({}), answers: ['n'] });
    assert.deepEqual([no.status, no.questions], [130, ['Go on? [y/N] ']]);
    for (const options of [{ answers: ['y'] }, {}]) {
      const daemon = adding(bucket);
      const { status, err } = await runWith('answers' in options ? long : [...long, '--yes'], { daemon, ...options });
      assert.equal(status, 0);
      assert.match(err, /has to be paid for/);
      assert.equal(daemon.of('location.add')[0]?.params['protectionPeriodDays'], 91);
    }
    assert.equal((await runWith([...base, '--protection-period', '90'], { daemon: adding(bucket) })).err, '');
  });

  it('M2 M8: refuses what can not be, with 2, a way out, nothing asked of the daemon and nothing of a secret told', async () => {
    const files = {
      [keysFile]: JSON.stringify(keys),
      '/home/user/here/empty': '',
      '/home/user/here/huge': `${keys.secretAccessKey}\n`.repeat(60_000),
      '/home/user/here/other': `password=${keys.secretAccessKey}`,
      '/home/user/here/crlf': JSON.stringify({ ...keys, secretAccessKey: `${keys.secretAccessKey}\r\n` }),
    };
    const short = ['location', 'add', 's3', 'vault'];
    const cases: readonly (readonly [args: readonly string[], pattern: RegExp])[] = [
      [[...short, '--region', 'eu-west-1'], /--bucket B is missing/],
      [[...short, '--bucket', 'backups'], /--region R is missing/],
      [[...base, '--profile', 'p', '--role-arn', 'arn:aws:iam::123456789012:role/r'], /--profile and --role-arn exclude each other/],
      [[...base, '--credentials-file', 'keys', '--credentials', 'chain'], /exclude each other/],
      [[...base, '--protection-period', '0'], /--protection-period/],
      [[...base, '--protection-period', '1.5'], /--protection-period/],
      [[...base, '--protection-period', 'x'], /--protection-period/],
      [[...base, '--protection-period', '3651', '--yes'], /--protection-period/],
      [[...base, '--lock-mode', 'compliance'], /--lock-mode .* nothing is/],
      [[...base, '--lock-mode', 'none', '--protection-period', '30'], /compliance, governance/],
      [[...base, '--credentials-file', 'none'], /is not there/],
      [[...base, '--credentials-file', 'empty'], /is empty/],
      [[...base, '--credentials-file', 'huge'], /is too large/],
      [[...base, '--credentials-file', 'other'], /holds no keys/],
      [[...base, '--credentials-file', 'crlf'], /secret access key has a space, a line end/],
      [[...base, '--credentials-file', '-'], /is empty/],
      [[...base, '--credentials-file', '-', '--step-up-file', '-'], /both be standard input/],
      [[...base, '--credentials-file', ''], /can not be read/],
      [[...base, '--credentials', 'shell'], /it has none/],
      [[...base, '--profile', ''], /name of a profile/],
      [[...base, '--profile', 'a\r\nb'], /name of a profile/],
      [[...base, '--role-arn', 'admin'], /must be an ARN/],
      [[...base, '--endpoint', ''], /must be an address/],
      [[...base, '--endpoint', 'http://nas.example'], /plain http must be a loopback/],
      [[...base, '--endpoint', 'https://169.254.169.254'], /link-local or metadata/],
      [[...base, '--prefix', '../x'], /a prefix has/],
      [[...base, '--prefix', 'x\r\ny'], /a prefix has/],
      [[...base, '--upload-limit', 'fast'], /--upload-limit/],
      [[...short, '--bucket', 'a\r\nb', '--region', 'r'], /a bucket has 3 to 63/],
      [[...short, '--bucket', 'b'.repeat(10_000), '--region', 'r'], /a bucket has 3 to 63/],
      [[...short, '--bucket', 'backups', '--region', 'eu\r\n'], /the region must be/],
    ];
    for (const [args, pattern] of cases) {
      const daemon = new FakeDaemon({});
      const ran = await runWith(args, { daemon, files });
      assert.equal(ran.status, 2, args.join(' ').slice(0, 200));
      assert.match(ran.err, pattern);
      assert.ok(ran.err.length < 700 && ran.err.trimEnd().split('\n').length === 2, ran.err);
      assert.deepEqual(daemon.asked, []);
      assertUntold(ran, daemon);
    }
    for (const environment of [
      { AWS_ACCESS_KEY_ID: keys.accessKeyId },
      { ...shell, AWS_SECRET_ACCESS_KEY: `${keys.secretAccessKey}\r\n` },
    ]) {
      const daemon = new FakeDaemon({});
      const ran = await runWith(base, { daemon, environment });
      assert.deepEqual([ran.status, daemon.asked.length], [2, 0]);
      assertUntold(ran, daemon);
    }
  });
});

describe('cli location edit of a bucket', () => {
  it('changes what was given and leaves the rest as it is, credentials of the shell included', async () => {
    const daemon = editing();
    await runWith(['location', 'edit', 'vault', '--endpoint', 'https://nas.example', '--no-path-style'], { daemon, environment: shell });
    await runWith(['location', 'edit', 'aaaa', '--prefix', '', '--profile', 'work', '--rename', 'safe'], { daemon, environment: shell });
    assert.deepEqual(
      daemon.of('location.edit').map(({ params, secrets }) => [params, secrets]),
      [
        [
          {
            location: bucket.locationId,
            spec: { kind: 's3', ...bucket.s3, endpoint: 'https://nas.example', pathStyle: false },
          },
          [],
        ],
        [
          {
            location: bucket.locationId,
            name: 'safe',
            spec: { kind: 's3', bucket: 'backups', region: 'eu-west-1', credentials: { source: 'profile', profile: 'work' } },
          },
          [],
        ],
      ],
    );
  });

  it('keeps what was said of paths and sealed keys when something else changes', async () => {
    const s3 = { ...sealed.s3, bucket: 'backups', region: 'us-east-1', pathStyle: true, credentials: { source: 'sealed' } } as const;
    const daemon = editing([{ ...sealed, s3 }], { ...sealed, s3 });
    const { out } = await runWith(['location', 'edit', 'vault', '--region', 'eu-west-2'], { daemon, environment: shell });
    const [asked] = daemon.of('location.edit');
    assert.deepEqual([asked?.params['spec'], asked?.secrets], [{ kind: 's3', ...s3, region: 'eu-west-2' }, []]);
    assert.equal(out, 'Changed the location vault.\n');
  });

  it('sends other keys anew with each try, after a step-up too', async () => {
    const tries: unknown[] = [];
    const daemon = new FakeDaemon({
      'location.list': () => ({ items: [bucket], next: null }),
      'location.edit': (_, { secrets }) => {
        tries.push(secrets[0]);
        if (tries.length === 1) throw new HoldfastError('stepUpNeeded', 'Failed to change it: a passphrase is needed.');
        return { location: sealed, checks: [] };
      },
      'session.stepUp': () => ({ until: '2026-03-01T12:05:00.000Z' }),
    });
    const files = { [keysFile]: JSON.stringify(keys), '/home/user/here/pass': 'p\n' };
    const ran = await runWith(['location', 'edit', 'vault', '--credentials-file', 'keys', '--step-up-file', 'pass'], { daemon, files });
    assert.equal(ran.status, 0, ran.err);
    assert.deepEqual(tries, [JSON.stringify(keys), JSON.stringify(keys)]);
    assert.match(ran.out, /can not keep the locks long enough/);
    assertUntold(ran, daemon);
    const ofShell = editing();
    await runWith(['location', 'edit', 'vault', '--credentials', 'shell'], { daemon: ofShell, environment: shell });
    assert.deepEqual(ofShell.of('location.edit')[0]?.secrets, [JSON.stringify(keys)]);
  });

  it('says what a longer and a shorter period mean, and asks beyond 90 days', async () => {
    const to = async (days: number, before: Location = bucket): Promise<string> => {
      const daemon = editing([before], { ...bucket, protectionPeriodDays: days });
      const { out, status } = await runWith(['location', 'edit', 'vault', '--protection-period', String(days), '--yes'], { daemon });
      assert.equal(status, 0);
      assert.deepEqual(daemon.of('location.edit')[0]?.params, { location: bucket.locationId, protectionPeriodDays: days });
      return out;
    };
    assert.match(await to(60), /Until everything there is locked for 60 days the promise stays at 30 days/);
    assert.match(await to(7), /Locks that are there run out by themselves; .* 7 days ahead/);
    assert.match(await to(30, plain), /kept locked for 30 days ahead/);
    const asked = await runWith(['location', 'edit', 'vault', '--protection-period', '91'], { daemon: editing() });
    assert.equal(asked.status, 2);
  });

  it('refuses flags of a bucket for a folder, a mode without a period, and names that are none or several', async () => {
    const twin = { ...bucket, locationId: `${bucket.locationId.slice(0, -1)}7`, name: 'twin' };
    const cases: readonly (readonly [args: readonly string[], pattern: RegExp])[] = [
      [['disk', '--endpoint', 'https://nas.example'], /it is a folder/],
      [['vault', '--path', '/x', '--region', 'eu-west-2'], /--path is for a folder/],
      [['open', '--lock-mode', 'governance'], /nothing is/],
      [['nowhere', '--region', 'eu-west-2'], /there is none of that name/],
      [['aaaa', '--region', 'eu-west-2'], /2 ids begin with it/],
      [['vault', '--bucket', ''], /a bucket has/],
      [['vault', '--credentials', 'shell'], /it has none/],
    ];
    for (const [args, pattern] of cases) {
      const daemon = editing([location, bucket, twin, { ...plain, locationId: 'bbbbbbbb-1111-4222-8333-444455556666', name: 'open' }]);
      const { status, err } = await runWith(['location', 'edit', ...args], { daemon });
      assert.equal(status, 2, args.join(' '));
      assert.match(err, pattern);
      assert.equal(daemon.of('location.edit').length, 0);
    }
  });
});

describe('cli location list with buckets', () => {
  it('shows where they are, how they are protected and until when they are safe', async () => {
    const items: readonly Location[] = [
      location,
      bucket,
      {
        ...bucket,
        name: 'nas',
        s3: { bucket: 'b-1', region: 'r', endpoint: 'https://nas.example:9000', credentials: { source: 'chain' } },
      },
      {
        ...bucket,
        name: 'aws',
        s3: { bucket: 'b-2', region: 'r', endpoint: 'https://s3.eu-west-1.amazonaws.com', credentials: { source: 'chain' } },
      },
      { ...bucket, name: 'new', lockProof: null, safeUntil: null, protectionPeriodDays: 1 },
      { ...bucket, name: 'soft', lockProof: { verdict: 'bypassable', at: '2026-03-01T11:00:00.000Z' } },
      { ...plain, name: 'open' },
    ];
    const daemon = new FakeDaemon({ 'location.list': () => ({ items, next: null }) });
    const { out } = await runWith(['location', 'list'], { daemon });
    const [titles = '', ...rows] = out.trimEnd().split('\n');
    assert.match(titles, /^NAME +KIND +WHERE +HELD +PROTECTION +SAFE UNTIL +LIMIT +VALIDATED$/);
    const patterns = [
      /^disk +filesystem +\/mnt\/backup .* not immutable +- /,
      /^vault +s3 +s3:\/\/backups\/team +118 MiB +30 days, proved +2026-03-20 \S+ \(in 19 d\) /,
      /^nas +s3 +s3:\/\/b-1 at nas\.example:9000 /,
      /^aws +s3 +s3:\/\/b-2 {2,}/,
      /^new .* 1 day, lock not proved +- /,
      /^soft .* 30 days, lock can be bypassed /,
      /^open .* not immutable +- /,
    ];
    for (const [index, pattern] of patterns.entries()) assert.match(rows[index] ?? '', pattern);
    assert.equal(rows.length, patterns.length);
    const { out: coloured } = await runWith(['location', 'list', '--color'], { daemon });
    const [good, warning, bad] = [32, 33, 31].map((code) => `\u001b[${code}m`);
    for (const shown of [`${good}30 days, proved`, `${warning}1 day, lock not proved`, `${bad}30 days, lock can be bypassed`]) {
      assert.ok(coloured.includes(shown), shown);
    }
  });

  it('M2: shows hostile buckets and endpoints as text', async () => {
    const s3 = { bucket: '\u001b[2J', region: 'r', endpoint: '\u202e\u0007', prefix: 'a\nb', credentials: { source: 'chain' } } as const;
    const daemon = new FakeDaemon({ 'location.list': () => ({ items: [{ ...bucket, s3 }], next: null }) });
    const { out } = await runWith(['location', 'list'], { daemon });
    assert.doesNotMatch(out.replaceAll('\n', ''), /\p{Cc}|[\u202a-\u202e]/u);
  });
});
