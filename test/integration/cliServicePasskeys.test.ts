import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand, KMSClient, UpdateAliasCommand } from '@aws-sdk/client-kms';
import * as z from 'zod';
import { awsKeyPolicy, vaultPolicy } from '../../protocol/keyPolicies.ts';
import { runAwsCommand } from '../support/awsCommand.ts';
import { type CliOptions, type CliResult, runCli } from '../support/cli.ts';
import { refused } from '../support/cliExpect.ts';
import { initDocument, locationDocument, type PasskeyDocument, passkeyDocument, statusDocument } from '../support/cliShapes.ts';
import { gateDocument, rotateDocument } from '../support/gateShapes.ts';
import { ScratchState } from '../support/daemon.ts';
import { KmsWireServer, type WireKey } from '../support/servers/kmsWire.ts';
import type { OpenBaoServer } from '../support/servers/openBaoServer.ts';
import { sharedMoto, sharedOpenBao, sharedSeaweed } from '../support/servers/sharedServers.ts';

const retiredDocument = z.looseObject({ state: z.string(), commands: z.array(z.string()) });

/** Nothing of the shell that runs the tests. */
const noLogin: Readonly<Record<string, string | undefined>> = Object.fromEntries(
  ['VAULT_ADDR', 'VAULT_TOKEN', 'VAULT_CACERT', 'VAULT_NAMESPACE', 'BAO_ADDR', 'BAO_TOKEN', 'AWS_ACCESS_KEY_ID', 'AWS_PROFILE'].map(
    (name) => [name, undefined],
  ),
);

async function passkeysOf(scratch: ScratchState): Promise<ReadonlyMap<string, PasskeyDocument>> {
  const all = await scratch.json(z.array(passkeyDocument), ['passkey', 'list']);
  return new Map(all.map((each) => [each.name, each]));
}

/** Locks, and unlocks again with these flags. */
async function unlockAgain(scratch: ScratchState, flags: readonly string[] = [], options: CliOptions = {}): Promise<CliResult> {
  await scratch.json(z.unknown(), ['lock']);
  return await scratch.cli(['unlock', ...flags], { ...options, env: { ...noLogin, ...options.env } });
}

/** No file of the state directory holds it in clear. */
function assertNowhere(scratch: ScratchState, secret: string): void {
  const files = readdirSync(scratch.state, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  assert.ok(files.length > 2);
  for (const { parentPath, name } of files) assert.ok(!readFileSync(path.join(parentPath, name)).includes(secret), name);
}

describe('holdfast passkey of Vault', function () {
  this.timeout(120_000);
  let server: OpenBaoServer;
  let scratch: ScratchState;
  let token: string;
  let tokenFile: string;
  const key = 'cli-office';
  const said: string[] = [];

  before(async function (this: Mocha.Context) {
    server = await sharedOpenBao(this);
    await server.createKey(key);
    token = await server.createToken(vaultPolicy({ mount: 'transit', key }));
    scratch = new ScratchState();
    await scratch.setUp();
    tokenFile = path.join(scratch.folder, 'token');
    writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  });
  after(async () => await scratch?.[Symbol.asyncDispose]());

  it('is added with the smallest policy, and unlocks the daemon without anything', async () => {
    const args = [
      'passkey',
      'add',
      'vault-transit',
      'office',
      '--address',
      server.address,
      '--key',
      key,
      '--token-file',
      'token',
      '--use-now',
    ];
    const added = await scratch.json(passkeyDocument, args, { cwd: scratch.folder });
    assert.deepEqual([added.kind, added.inUse, added.state, added.reference['version']], ['vaultTransit', true, 'ready', 1]);
    assert.deepEqual(added.warnings, []);
    const unlocked = await unlockAgain(scratch);
    assert.deepEqual([unlocked.status, unlocked.stdout], [0, 'Unlocked. The passkey in use is office.\n'], unlocked.stderr);
    const verified = await scratch.json(passkeyDocument, ['passkey', 'verify', 'office']);
    assert.equal(verified.state, 'ready');
    assert.match(
      (await scratch.cli(['passkey', 'list'])).stdout,
      new RegExp(`\\noffice .*version 1 of transit/${key} at ${server.address}`),
    );
  });

  it('K6: names the right that is missing, and what no key can be, without a word of the token', async () => {
    const add = ['passkey', 'add', 'vault-transit', 'other', '--address', server.address, '--token-file', tokenFile];
    const denied = await refused(scratch, [...add, '--key', 'not-mine'], 1, 'keyServiceRefused');
    assert.match(`${denied.message}${denied.fix ?? ''}`, /not-mine/);
    await refused(scratch, [...add, '--key', key, '--mount', 'nowhere'], 1, 'keyServiceRefused');
    const bad = await scratch.cli([...add, '--key', '../x']);
    assert.equal(bad.status, 2);
    said.push(JSON.stringify(denied), bad.stderr);
    assert.equal((await passkeysOf(scratch)).size, 2);
  });

  it('is rotated once somebody has run the command, keeps the old one by its version, and the gate says what ends that', async () => {
    const error = await refused(scratch, ['passkey', 'rotate', 'office'], 4, 'refusedByRule');
    assert.match(String(error.details?.['command']), new RegExp(`^vault write -address=${server.address} -f transit/keys/${key}/rotate$`));
    const people = await scratch.cli(['passkey', 'rotate', 'office']);
    assert.ok(people.stderr.endsWith(`\n  ${String(error.details?.['command'])}\n`), people.stderr);
    await server.write(`transit/keys/${key}/rotate`);
    const { passkey, previous, gate, steps } = await scratch.json(rotateDocument, ['passkey', 'rotate', 'office', '--every', '90d']);
    assert.deepEqual([passkey.name, passkey.inUse, passkey.reference['version']], ['office', true, 2]);
    assert.deepEqual([previous?.name, previous?.inUse, gate?.allowed, steps.length > 0], ['office@v1', false, true, true]);
    const old = await scratch.json(gateDocument, ['passkey', 'gate', 'office@v1']);
    assert.deepEqual([old.allowed, old.commands.length], [true, 1]);
    assert.match(old.commands[0] ?? '', /min_decryption_version=2$/);
    const inUse = await scratch.json(gateDocument, ['passkey', 'gate', 'office']);
    assert.deepEqual([inUse.allowed, inUse.from, inUse.commands], [false, null, []]);
    await scratch.json(rotateDocument, ['passkey', 'rotate', 'office', '--no-schedule']);
    assert.equal((await unlockAgain(scratch)).status, 0);
  });

  it('is retired where the gate lets it, with the command for whoever may end the version', async () => {
    await refused(scratch, ['passkey', 'retire', 'office', '--yes'], 4, 'refusedByRule');
    const { state, commands } = await scratch.json(retiredDocument, ['passkey', 'retire', 'office@v1', '--yes']);
    assert.deepEqual([state, commands.length], ['retired', 1]);
    await server.write(`transit/keys/${key}/config`, { min_decryption_version: 2 });
    assert.equal((await unlockAgain(scratch)).status, 0);
  });

  it('C9 K6: is unlocked with a token of the shell, sends it to no other address, and tells it to nobody', async () => {
    writeFileSync(tokenFile, 's.revoked\n');
    const failed = await unlockAgain(scratch);
    assert.equal(failed.status, 1);
    const elsewhere = await scratch.cli(['unlock', '--address', 'https://vault.example', '--token-file', '-'], { input: token });
    assert.equal(elsewhere.status, 2);
    const shell = await scratch.cli(['unlock'], { env: { ...noLogin, VAULT_ADDR: server.address, VAULT_TOKEN: token } });
    assert.equal(shell.status, 0, shell.stderr);
    const flag = await unlockAgain(scratch, ['--token-file', '-', '--address', server.address], { input: token });
    assert.equal(flag.status, 0, flag.stderr);
    const log = await scratch.cli(['log', '--json', '--limit', '200']);
    for (const { stdout, stderr } of [failed, elsewhere, shell, flag, log]) said.push(stdout, stderr);
    assert.ok(!said.join('\n').includes(token), 'the token was told');
    assertNowhere(scratch, token);
  });

  it('K6: takes another login that opens it, and unlocks with it from then on', async () => {
    const ended = await scratch.cli(['passkey', 'verify', 'office']);
    assert.equal(ended.status, 1);
    const other = path.join(scratch.folder, 'other-token');
    writeFileSync(other, `${token}\n`, { mode: 0o600 });
    const verified = await scratch.cli(['passkey', 'verify', 'office', '--token-file', 'other-token'], { cwd: scratch.folder });
    assert.deepEqual(
      [verified.status, verified.stdout],
      [0, 'The passkey office opens the master key, and keeps this login.\n'],
      verified.stderr,
    );
    assert.equal((await unlockAgain(scratch)).status, 0);
    assert.equal((await scratch.json(passkeyDocument, ['passkey', 'verify', 'office'])).state, 'ready');
    const sealed = await scratch.cli(['passkey', 'verify', 'office', '--token-file', '-'], { input: `${token}\n` });
    assert.equal(sealed.status, 0, sealed.stderr);
    assert.match(sealed.stdout, /sealed in the catalog/);
    assertNowhere(scratch, token);
    const locked = await unlockAgain(scratch);
    assert.match(locked.stderr, /its token lies sealed in the catalog, which a locked daemon can not read/);
    assert.equal((await unlockAgain(scratch, ['--passphrase-file', scratch.passphraseFile])).status, 0);
    assert.equal((await scratch.cli(['passkey', 'verify', 'office'])).status, 0);
  });
});

describe('holdfast init on Vault, with locks', function () {
  this.timeout(120_000);
  let scratch: ScratchState;
  after(async () => await scratch?.[Symbol.asyncDispose]());

  it('D2: sets up on a Vault key alone; after a rotation the gate refuses what locked keyrings need, with the date, then leaves it out', async function () {
    const server = await sharedOpenBao(this);
    const bucket = await (await sharedSeaweed(this)).createBucket();
    const key = 'cli-first';
    await server.createKey(key);
    const login = { ...noLogin, VAULT_ADDR: server.address, VAULT_TOKEN: server.rootToken };
    scratch = new ScratchState();
    // The daemon keeps the environment of whoever started it.
    await refused(scratch, ['unlock'], 3, 'notSetUp', { env: noLogin });
    // No passphrase is there to be given: a key service proves who it is.
    const env = {
      ...login,
      HOLDFAST_STEP_UP_FILE: undefined,
      AWS_ACCESS_KEY_ID: bucket.accessKeyId,
      AWS_SECRET_ACCESS_KEY: bucket.secretAccessKey,
    };
    const made = await scratch.json(initDocument, ['init', '--passkey-kind', 'vault-transit', '--key', key], { env });
    assert.equal(made.passkey, 'vault-transit');
    const [first] = (await passkeysOf(scratch)).values();
    assert.match(first?.warnings.join() ?? '', /sealed in the catalog/);
    assertNowhere(scratch, server.rootToken);
    const where = ['--bucket', bucket.name, '--region', bucket.region, '--endpoint', bucket.endpoint, '--protection-period', '1'];
    await scratch.json(locationDocument, ['location', 'add', 's3', 'safe', ...where], { env });
    const { previous, gate } = await scratch.json(rotateDocument, ['passkey', 'rotate', 'vault-transit'], { env });
    assert.deepEqual([previous?.name, gate?.allowed], ['vault-transit@v1', false]);
    const asked = await scratch.json(gateDocument, ['passkey', 'gate', 'vault-transit@v1']);
    assert.deepEqual([asked.allowed, asked.commands], [false, []]);
    assert.match(asked.reasons[0]?.what ?? '', /^keyring \d+ in safe is the newest there and holds it/);
    assert.deepEqual([asked.from, asked.begins, asked.opensKeyringsUntil, asked.notes.length], [null, true, null, 1]);
    const error = await refused(scratch, ['passkey', 'retire', 'vault-transit@v1', '--yes'], 4, 'refusedByRule', { env });
    assert.ok(Array.isArray(error.details?.['reasons']) && error.details['reasons'].length > 0);
    const from = Date.parse(String(error.details?.['from']));
    assert.ok(from > Date.now() && from < Date.now() + 90 * 86_400_000, JSON.stringify(error.details));
    const people = await scratch.cli(['passkey', 'retire', 'vault-transit@v1', '--end-key', '--yes'], { env });
    assert.equal(people.status, 4);
    assert.match(people.stderr, /\n {2}keyring \d+ in safe is locked and holds it, until \d{4}-/);
    const left = (await passkeysOf(scratch)).get('vault-transit@v1');
    assert.match(left?.warnings.join() ?? '', /New keyrings leave it out/);
    assert.equal(left?.retirableFrom, error.details?.['from']);
  });

  it('says why it stays locked where the credentials are sealed, and opens with those of the shell', async function () {
    const server = await sharedOpenBao(this);
    const refusedToo = await unlockAgain(scratch);
    assert.equal(refusedToo.status, 1, refusedToo.stderr);
    assert.equal((await scratch.json(statusDocument, ['status'])).state, 'locked');
    const opened = await scratch.cli(['unlock'], { env: { ...noLogin, VAULT_TOKEN: server.rootToken } });
    assert.equal(opened.status, 0, opened.stderr);
    assert.ok(!`${refusedToo.stderr}${opened.stdout}${opened.stderr}`.includes(server.rootToken));
  });
});

describe('holdfast passkey of AWS KMS', function () {
  this.timeout(120_000);
  const secret = 'canary-secret-of-the-shell';
  const env = { ...noLogin, AWS_ACCESS_KEY_ID: 'AKIACANARY', AWS_SECRET_ACCESS_KEY: secret };
  let wire: KmsWireServer;
  let key: WireKey;
  let scratch: ScratchState;

  before(async () => {
    wire = await KmsWireServer.start();
    key = wire.createKey();
    wire.aliases.set('alias/holdfast', key.id);
    scratch = new ScratchState();
    await scratch.setUp();
  });
  after(async () => {
    await scratch?.[Symbol.asyncDispose]();
    await wire?.[Symbol.asyncDispose]();
  });

  it('K6: is added by its alias with the keys of the shell, which lie in no file, and unlocks with them', async () => {
    const args = ['passkey', 'add', 'aws-kms', 'cloud', '--key-id', 'alias/holdfast', '--region', wire.region, '--endpoint', wire.endpoint];
    const added = await scratch.cli([...args, '--use-now'], { env });
    assert.equal(added.status, 0, added.stderr);
    assert.match(added.stdout, new RegExp(`alias/holdfast = ${key.arn}`));
    assert.match(added.stdout, /sealed in the catalog/);
    assertNowhere(scratch, secret);
    const unlocked = await unlockAgain(scratch, [], { env });
    assert.equal(unlocked.status, 0, unlocked.stderr);
    assert.ok(!`${added.stdout}${added.stderr}${unlocked.stdout}${unlocked.stderr}`.includes('anary'));
  });

  it('D1: is rotated step by step, the command handed over where it may not; its key ends only where the gate lets it', async () => {
    wire.denied.add('UpdateAlias');
    const error = await refused(scratch, ['passkey', 'rotate', 'cloud'], 4, 'refusedByRule');
    assert.match(String(error.details?.['command']), /^aws kms update-alias --alias-name alias\/holdfast --target-key-id arn:aws:kms:/);
    wire.denied.delete('UpdateAlias');
    const { passkey, previous, gate } = await scratch.json(rotateDocument, ['passkey', 'rotate', 'cloud']);
    assert.notEqual(passkey.reference['keyArn'], key.arn);
    assert.deepEqual([previous?.reference['keyArn'], gate?.allowed, wire.keys.size], [key.arn, true, 2]);
    assert.match(previous?.name ?? '', /^cloud@\d{4}-\d\d-\d\d$/);
    const old = previous?.name ?? '';
    const asked = await scratch.cli(['passkey', 'gate', old]);
    assert.match(asked.stdout, /\n {2}aws kms schedule-key-deletion .*--pending-window-in-days 30/);
    assert.equal(key.state, 'Enabled');
    await refused(scratch, ['passkey', 'retire', old, '--end-key'], 2, 'confirmationNeeded');
    assert.deepEqual([key.state, (await passkeysOf(scratch)).get(old)?.state], ['Enabled', 'ready']);
    const retired = await scratch.json(passkeyDocument, ['passkey', 'retire', old, '--end-key', '--yes']);
    assert.deepEqual([retired.state, key.state], ['retired', 'PendingDeletion']);
    assert.equal((await unlockAgain(scratch, [], { env })).status, 0);
  });

  it('C9: is rotated with the printed policy alone: somebody else runs the command, and the same call goes on', async () => {
    const policy = '{"Version":"2012-10-17","Statement":[{"Sid":"ours"}]}';
    const old = wire.createKey({ policy });
    wire.aliases.set('alias/least', old.id);
    wire.allowed = new Set(
      awsKeyPolicy({ keyArn: old.arn, principal: 'arn:aws:iam::123456789012:role/backup' }).iamPolicy.Statement.flatMap(({ Action }) =>
        Action.map((action) => action.replace('kms:', '')),
      ),
    );
    const where = ['--region', wire.region, '--endpoint', wire.endpoint];
    await scratch.json(passkeyDocument, ['passkey', 'add', 'aws-kms', 'least', '--key-id', 'alias/least', ...where], { env });
    const rotate = ['passkey', 'rotate', 'least', '--yes'];
    const error = await refused(scratch, rotate, 4, 'refusedByRule');
    const again = await refused(scratch, rotate, 4, 'refusedByRule');
    const command = String(error.details?.['command']);
    assert.equal(again.details?.['command'], command, 'a key that is made twice by it would be one too many');
    const next = wire.createKey({ policy });
    const calls = runAwsCommand(command, { 'get-key-policy': policy, 'create-key': next.arn });
    assert.deepEqual(
      calls.map(([, verb]) => verb),
      ['get-key-policy', 'create-key', 'update-alias'],
    );
    assert.ok(calls[1]?.includes(policy) && !calls[1]?.join(' ').includes('slot'), JSON.stringify(calls[1]));
    assert.deepEqual([calls[2]?.includes('alias/least'), calls[2]?.at(-1)], [true, next.arn]);
    wire.aliases.set('alias/least', next.id);
    const asked = await refused(scratch, ['passkey', 'rotate', 'least'], 2, 'confirmationNeeded');
    assert.equal(asked.details?.['keyArn'], next.arn);
    const { passkey, previous } = await scratch.json(rotateDocument, rotate);
    assert.deepEqual([passkey.reference['keyArn'], passkey.reference['alias']], [next.arn, 'alias/least']);
    assert.deepEqual([previous?.reference['keyArn'], previous?.reference['alias']], [old.arn, null]);
    // The old one has no alias any more: the next key is named.
    const oldName = previous?.name ?? '';
    const bare = await refused(scratch, ['passkey', 'rotate', oldName], 4, 'refusedByRule');
    assert.match(`${String(bare.details?.['command'])} ${bare.fix}`, /^aws kms create-key .* rotate again with --key-arn/);
    assert.equal(runAwsCommand(String(bare.details?.['command'])).length, 2);
    const third = wire.createKey({ policy });
    const named = await scratch.json(rotateDocument, ['passkey', 'rotate', oldName, '--key-arn', third.arn]);
    assert.deepEqual([named.passkey.reference['keyArn'], wire.aliases.get('alias/least')], [third.arn, next.id]);
    wire.allowed = undefined;
    await scratch.json(passkeyDocument, ['passkey', 'use', 'cloud']);
  });

  it('D6: that is down leaves the daemon locked with the reason, and the passphrase opens it', async () => {
    wire.denied.add('Decrypt');
    const denied = await unlockAgain(scratch, [], { env });
    assert.deepEqual([denied.status, denied.stdout], [1, '']);
    assert.equal(denied.stderr.trimEnd().split('\n').length, 2, denied.stderr);
    assert.equal((await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile])).status, 0);
  });
});

function policyFor(action: string): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: action, Resource: '*' }] });
}

describe('holdfast passkey of AWS KMS as moto has it', function () {
  this.timeout(120_000);
  const env = { ...noLogin, AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test' };
  let scratch: ScratchState;
  let client: KMSClient;
  after(async () => {
    client?.destroy();
    await scratch?.[Symbol.asyncDispose]();
  });

  it('D1 C9: is followed by a key of its policy, by one that somebody else moved the alias to, and by none of another policy', async function () {
    const { endpoint } = await sharedMoto(this);
    const region = 'eu-west-1';
    client = new KMSClient({ endpoint, region, credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'test' } });
    const alias = 'alias/cli-moto';
    const newKey = async (action: string): Promise<string> =>
      (await client.send(new CreateKeyCommand({ Policy: policyFor(action) }))).KeyMetadata?.Arn ?? '';
    const moveTo = async (arn: string): Promise<unknown> =>
      await client.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: arn.slice(arn.indexOf('/') + 1) }));
    const aliasNow = async (): Promise<string | undefined> =>
      (await client.send(new DescribeKeyCommand({ KeyId: alias }))).KeyMetadata?.Arn;
    const first = await newKey('kms:*');
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: first }));
    scratch = new ScratchState();
    await scratch.setUp();
    const add = ['passkey', 'add', 'aws-kms', 'cloud', '--key-id', alias, '--region', region, '--endpoint', endpoint, '--use-now'];
    await scratch.json(passkeyDocument, add, { env });
    const rotated = async (): Promise<string> =>
      String((await scratch.json(rotateDocument, ['passkey', 'rotate', 'cloud'])).passkey.reference['keyArn']);
    const second = await rotated();
    assert.deepEqual([second === first, await aliasNow()], [false, second]);
    const handed = await newKey('kms:*');
    await moveTo(handed);
    assert.equal(await rotated(), handed);
    const theirs = await newKey('kms:Decrypt');
    await moveTo(theirs);
    const fourth = await rotated();
    assert.deepEqual([[first, second, handed, theirs].includes(fourth), await aliasNow()], [false, theirs]);
    assert.equal((await unlockAgain(scratch, [], { env })).status, 0);
  });
});

describe('holdfast passkey policies', () => {
  it('are printed without any installation, and are what Vault takes', async function () {
    this.timeout(60_000);
    const server = await sharedOpenBao(this);
    const vault = await runCli(['passkey', 'vault-policy', '--key', 'cli-policy']);
    assert.equal(vault.status, 0, vault.stderr);
    assert.match(await server.createToken(vault.stdout), /^\S+$/);
    const principal = 'arn:aws:iam::123456789012:role/backup';
    const keyArn = 'arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-000000000001';
    const aws = await runCli(['passkey', 'aws-policy', '--key-id', keyArn, '--principal', principal, '--json']);
    assert.equal(aws.status, 0, aws.stderr);
    assert.ok(!aws.stdout.includes('kms:*'));
  });
});
