import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DeleteObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { backUp, refused, restore } from '../support/cliExpect.ts';
import {
  absenceDocument,
  alertDocument,
  auditDocument,
  checksDocument,
  immutabilityDocument,
  importDocument,
  locationDocument,
  lockProofDocument,
  refreshDocument,
  restorePointDocument,
  statusDocument,
} from '../support/cliShapes.ts';
import { ScratchState } from '../support/daemon.ts';
import { type MadeBucket, s3Client } from '../support/servers/s3Server.ts';
import { sharedSeaweed } from '../support/servers/sharedServers.ts';

function add(name: string, bucket: MadeBucket, ...more: readonly string[]): readonly string[] {
  const where = ['--bucket', bucket.name, '--region', bucket.region, '--endpoint', bucket.endpoint, '--prefix', 'team'];
  return ['location', 'add', 's3', name, ...where, ...more];
}

describe('holdfast immutability, without a bucket', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  before(async () => {
    scratch = new ScratchState();
    await scratch.setUp();
  });
  after(() => scratch[Symbol.asyncDispose]());

  it('has nothing to say, to extend or to find where no location is immutable', async () => {
    const status = await scratch.json(immutabilityDocument, ['immutability', 'status']);
    assert.deepEqual([status.safeUntil, status.objects, status.findings], [null, 0, 0]);
    for (const verb of ['refresh', 'audit']) await refused(scratch, ['immutability', verb], 4, 'refusedByRule');
    assert.match((await scratch.cli(['immutability', 'status'])).stdout, /^No location is immutable\./);
  });

  it('refuses all of it for a folder, exit 4, and for what is not there, exit 2', async () => {
    for (const args of [
      ['location', 'prove-lock', 'store'],
      ['immutability', 'status', '--location', 'store'],
      ['immutability', 'refresh', '--location', 'store'],
      ['immutability', 'audit', '--location', 'store'],
      ['location', 'edit', 'store', '--protection-period', '30'],
    ]) {
      await refused(scratch, args, 4, 'refusedByRule');
    }
    for (const verb of ['status', 'refresh', 'audit']) await refused(scratch, ['immutability', verb, '--location', 'no'], 2, 'unknownName');
    await refused(scratch, ['location', 'prove-lock', 'no'], 2, 'unknownName');
  });

  it('sets how long the daemon may be away', async () => {
    assert.equal((await scratch.json(absenceDocument, ['immutability', 'absence', '2w'])).longestAbsenceDays, 14);
    await refused(scratch, ['immutability', 'absence', '61'], 2, 'badValue');
  });

  it('adds no bucket where nothing answers, exit 1 with the checks', async () => {
    const args = ['location', 'add', 's3', 'away', '--bucket', 'backups', '--region', 'eu-west-1', '--endpoint', 'http://127.0.0.1:1'];
    const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
    const checks = await scratch.json(checksDocument, args, { status: 1, env });
    assert.deepEqual([checks.at(-1)?.check, checks.at(-1)?.result], ['exists', 'fail']);
  });
});

describe('holdfast immutability, with a bucket', function () {
  this.timeout(120_000);
  let scratch: ScratchState;
  let bucket: MadeBucket;
  let source: string;
  let beforeTampering: string;
  let env: Readonly<Record<string, string>>;

  before(async function (this: Mocha.Context) {
    const server = await sharedSeaweed(this);
    bucket = await server.createBucket();
    env = { AWS_ACCESS_KEY_ID: bucket.accessKeyId, AWS_SECRET_ACCESS_KEY: bucket.secretAccessKey };
    scratch = new ScratchState();
    await scratch.setUp();
    source = scratch.makeFolder('source');
    writeFileSync(path.join(source, 'file'), 'content');
    const open = await server.createBucket({ objectLock: false });
    const checks = await scratch.json(checksDocument, add('open', open, '--protection-period', '1'), { status: 1, env });
    assert.ok(checks.some(({ check, result }) => check === 'versioning' && result === 'fail'));
  });
  after(async () => await scratch?.[Symbol.asyncDispose]());

  it('K6: adds a bucket with the keys of the shell, which lie in no file of the state directory', async () => {
    const added = await scratch.json(locationDocument, add('vault', bucket, '--protection-period', '1'), { env });
    assert.deepEqual([added.kind, added.protectionPeriodDays], ['s3', 1]);
    assert.doesNotMatch(JSON.stringify(added), new RegExp(bucket.secretAccessKey));
    const files = readdirSync(scratch.state, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
    assert.ok(files.length > 2);
    for (const { parentPath, name } of files) {
      assert.ok(!readFileSync(path.join(parentPath, name)).includes(bucket.secretAccessKey), name);
    }
  });

  it('proves the lock, locks what is stored, and says until when it is safe', async () => {
    const proof = await scratch.json(lockProofDocument, ['location', 'prove-lock', 'vault']);
    assert.equal(proof.verdict, 'enforced');
    assert.ok(proof.attempts.length > 5);
    const created = await scratch.cli(['policy', 'create', 'safe', '--source', source, '--location', 'vault']);
    assert.equal(created.status, 0, created.stderr);
    await backUp(scratch, 'safe');
    const now = Date.now();
    const [point] = await scratch.json(z.array(restorePointDocument), ['rp', 'list', '--policy', 'safe']);
    assert.ok(Date.parse(point?.protectedUntil ?? '') > now);
    assert.match((await scratch.cli(['rp', 'list'])).stdout, /locked until \d+ \w{3}/);
    const status = await scratch.json(immutabilityDocument, ['immutability', 'status', '--location', 'vault']);
    assert.ok(status.objects > 3 && status.callsPerMonth > 0);
    assert.ok(Date.parse(status.safeUntil ?? '') > now);
    assert.equal((await scratch.json(statusDocument, ['status'])).safeUntil, status.safeUntil);
    const [, vault] = await scratch.json(z.array(locationDocument), ['location', 'list']);
    assert.deepEqual([vault?.immutable, vault?.lockProof?.verdict], [true, 'enforced']);
    await scratch.json(refreshDocument, ['immutability', 'refresh', '--location', 'vault']);
  });

  it('changes the period and other keys, and says what of it a locked daemon can still tell', async () => {
    const edited = await scratch.cli(['location', 'edit', 'vault', '--protection-period', '2'], { env });
    assert.match(edited.stdout, /locked for 2 days the promise stays at 1 day/);
    assert.match(edited.stdout, /while the daemon is locked it can not keep the locks/);
    const keys = path.join(scratch.folder, 'keys');
    const content = { accessKeyId: bucket.accessKeyId, secretAccessKey: bucket.secretAccessKey };
    writeFileSync(keys, JSON.stringify(content), { mode: 0o600 });
    await scratch.json(locationDocument, ['location', 'edit', 'vault', '--credentials-file', keys]);
    writeFileSync(keys, JSON.stringify({ ...content, secretAccessKey: 'another' }));
    await scratch.json(checksDocument, ['location', 'edit', 'vault', '--credentials-file', keys], { status: 1 });
    await scratch.cli(['lock']);
    assert.notEqual((await scratch.json(immutabilityDocument, ['immutability', 'status'])).safeUntil, null);
    await refused(scratch, ['immutability', 'audit'], 3, 'locked');
    await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile]);
  });

  it('audits: exit 5 with what was hidden and since when, while restores go on', async () => {
    beforeTampering = new Date().toISOString();
    assert.deepEqual((await scratch.json(auditDocument, ['immutability', 'audit'])).findings, []);
    const client = s3Client(bucket.endpoint);
    const { Versions: versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket.name, Prefix: 'team/' }));
    const pack = versions.find(({ Key: key }) => key?.includes('/packs/') === true)?.Key ?? '';
    await client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: pack }));
    client.destroy();
    const { findings } = await scratch.json(auditDocument, ['immutability', 'audit', '--location', 'vault'], { status: 5 });
    assert.deepEqual(
      findings.map(({ kind, key }) => [kind, `team/${key}`]),
      [['deleteMarker', pack]],
    );
    const alerts = await scratch.json(z.array(alertDocument), ['alert', 'list']);
    assert.ok(alerts.some(({ kind, safeUntil }) => kind === 'tampering' && safeUntil !== null));
    const { stdout, status } = await scratch.cli(['immutability', 'audit']);
    assert.equal(status, 5);
    assert.match(stdout, /^1 finding .*\nFirst tampered with: [^]*\nSINCE +KIND +KEY +WHAT\n.* deleteMarker /);
    const target = path.join(scratch.folder, 'back');
    await restore(scratch, 'safe', target);
    assert.equal(readFileSync(path.join(target, 'file'), 'utf8'), 'content');
  });

  it('X8: brings everything back out of the bucket when the catalog is lost, as it was before it was tampered with too', async () => {
    const spec = path.join(scratch.folder, 'spec.json');
    const { name, region, endpoint } = bucket;
    writeFileSync(spec, JSON.stringify({ kind: 's3', bucket: name, region, endpoint, prefix: 'team' }));
    for (const more of [[], ['--at', beforeTampering]]) {
      await using rescued = new ScratchState();
      const args = ['import-stored', '--location-spec', spec, '--passphrase-file', rescued.passphraseFile, ...more];
      const imported = await rescued.json(importDocument, args, { env });
      assert.deepEqual([imported.restorePoints, imported.damaged], [1, []]);
      const target = path.join(rescued.folder, 'back');
      await restore(rescued, 'latest', target);
      assert.equal(readFileSync(path.join(target, 'file'), 'utf8'), 'content');
    }
  });
});
