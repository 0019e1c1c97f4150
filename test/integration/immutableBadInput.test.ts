import assert from 'node:assert/strict';
import * as z from 'zod';
import { checksDocument, errorDocument, locationDocument } from '../support/cliShapes.ts';
import { ImmutableScratch } from '../support/immutableScratch.ts';
import type { MadeBucket, S3Identity } from '../support/servers/s3Server.ts';
import type { SeaweedServer } from '../support/servers/seaweedServer.ts';
import { sharedMoto, sharedSeaweed } from '../support/servers/sharedServers.ts';

interface Wrong {
  readonly bucket?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly prefix?: string;
  readonly keys?: Pick<S3Identity, 'accessKeyId' | 'secretAccessKey'>;
}

const secret = 'a-secret-that-nobody-is-told';
const sentence = /^[^\n\r]+[.?]$/;

describe('buckets that can not be made immutable', function () {
  this.timeout(90_000);
  let server: SeaweedServer;
  let made: MadeBucket;
  let vault: ImmutableScratch;

  /** What adding it says: the refusal, or the check that fails, each with one way out. Nothing of it is saved. */
  const refusalOf = async (wrong: Wrong, bucket: MadeBucket = made): Promise<{ readonly about: string; readonly text: string }> => {
    const { accessKeyId, secretAccessKey } = bucket;
    const keys = vault.keysFile(wrong.keys ?? { accessKeyId, secretAccessKey });
    const place = ['--bucket', wrong.bucket ?? bucket.name, '--region', wrong.region ?? bucket.region, '--prefix', wrong.prefix ?? 'vault'];
    const result = await vault.scratch.cli(
      [
        'location',
        'add',
        's3',
        'store',
        ...place,
        '--endpoint',
        wrong.endpoint ?? bucket.endpoint,
        '--credentials-file',
        keys,
        '--protection-period',
        '7',
        '--json',
      ],
      { limit: 60_000 },
    );
    const told = `${result.stdout}${result.stderr}`;
    assert.ok(!told.includes(secretAccessKey) && !told.includes(secret), 'it tells the secret key');
    assert.deepEqual(await vault.scratch.json(z.array(locationDocument), ['location', 'list']), []);
    const error = errorDocument.safeParse(result.json);
    if (error.success) {
      const { code, message, fix } = error.data.error;
      assert.match(message, sentence);
      assert.match(fix ?? '', sentence);
      assert.ok(told.length < 3000, 'it repeats what was typed');
      return { about: code, text: `${message} ${fix ?? ''}` };
    }
    assert.equal(result.status, 1, told);
    const failed = checksDocument.parse(result.json).filter((check) => check.result === 'fail');
    const [first] = failed;
    assert.ok(first !== undefined, told);
    for (const { detail, fix } of failed) {
      assert.match(detail, sentence);
      assert.match(fix ?? '', sentence);
    }
    return { about: first.check, text: `${first.detail} ${first.fix ?? ''}` };
  };

  before(async function (this: Mocha.Context) {
    server = await sharedSeaweed(this);
    made = await server.createBucket();
    vault = new ImmutableScratch({ bucket: made });
    await vault.scratch.json(z.looseObject({}), ['init', '--passphrase-file', vault.scratch.passphraseFile]);
  });
  after(() => vault[Symbol.asyncDispose]());

  it('M8: are refused before anything is asked: plain HTTP elsewhere, link-local and other odd addresses, names with line ends or of 10 kB', async () => {
    const cases: readonly (readonly [Wrong, RegExp])[] = [
      [{ endpoint: 'http://store.example' }, /https/i],
      [{ endpoint: 'http://192.168.1.20:9000' }, /https/i],
      [{ endpoint: 'https://169.254.169.254' }, /./],
      [{ endpoint: 'https://[fe80::1]' }, /./],
      [{ endpoint: 'https://user:password@store.example' }, /./],
      [{ endpoint: 'file:///etc/passwd' }, /./],
      [{ bucket: 'bucket\r\nHost: elsewhere' }, /./],
      [{ bucket: 'b'.repeat(10_240) }, /./],
      [{ prefix: 'a\r\nb' }, /./],
      [{ prefix: 'p'.repeat(10_240) }, /./],
      [{ region: 'eu-west-1\r\nX: y' }, /./],
      [{ keys: { accessKeyId: 'A\r\nB', secretAccessKey: secret } }, /./],
      [{ keys: { accessKeyId: 'A'.repeat(10_240), secretAccessKey: secret } }, /./],
    ];
    for (const [wrong, expected] of cases) {
      const { about, text } = await refusalOf(wrong);
      assert.ok(
        ['badValue', 'badUsage', 'usage'].includes(about),
        `${JSON.stringify(wrong).slice(0, 100)}: ${about} ${text.slice(0, 200)}`,
      );
      assert.match(text, expected);
    }
  });

  it('S8: say what is wrong: bucket, endpoint, keys', async () => {
    const missing = await refusalOf({ bucket: 'nobody-made-this-one' });
    assert.equal(missing.about, 'exists');
    const elsewhere = await refusalOf({ endpoint: 'http://127.0.0.1:1' });
    assert.equal(elsewhere.about, 'exists');
    const unknownKey = await refusalOf({ keys: { accessKeyId: 'NOBODY', secretAccessKey: secret } });
    const wrongSecret = await refusalOf({ keys: { accessKeyId: made.accessKeyId, secretAccessKey: secret } });
    for (const { about, text } of [unknownKey, wrongSecret]) {
      assert.equal(about, 'exists');
      assert.match(text, /credential|key/i);
    }
  });

  it('S7: a bucket without Object Lock, one of another region, and a server that shows locks and keeps none, are refused with the check that saw it', async function () {
    const open = await refusalOf({}, await server.createBucket({ objectLock: false }));
    assert.equal(open.about, 'versioning');
    const moto = await sharedMoto(this);
    const elsewhere = await refusalOf({ region: 'eu-west-1' }, await moto.createBucket());
    assert.equal(elsewhere.about, 'region');
    assert.match(elsewhere.text, /us-east-1/);
    const liar = await refusalOf({}, await moto.createBucket());
    assert.ok(liar.about.endsWith('Lock'), JSON.stringify(liar));
    const locations = await vault.scratch.cli(['location', 'list']);
    assert.doesNotMatch(`${locations.stdout}${locations.stderr}`, /locked|compliance/);
  });

  it('is added as it should be once what was wrong is right', async () => {
    const added = await vault.scratch.cli(vault.adding());
    assert.equal(added.status, 0, added.stderr);
    const [location] = await vault.scratch.json(z.array(locationDocument), ['location', 'list']);
    assert.equal(location?.protectionPeriodDays, 7);
  });
});
