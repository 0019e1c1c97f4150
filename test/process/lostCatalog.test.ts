import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { policyList, sourceName } from '../../protocol/methods/policies.ts';
import { restorePointDiff } from '../../protocol/methods/restorePoints.ts';
import { sessionInit, sessionStatus } from '../../protocol/methods/session.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { CrashBench } from '../support/crashBench.ts';
import { passphrases } from '../support/crashScenarios.ts';
import { succeeded } from '../support/drivenDaemon.ts';
import { InProcessDaemon } from '../support/inProcessDaemon.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';

const flips = 40;

describe('a state directory that was damaged or lost', function () {
  this.timeout(120_000);
  const random = new SeededRandom(testSeed());
  let bench: CrashBench;

  before(async () => {
    bench = new CrashBench(random);
    await bench.setUp();
  });
  beforeEach(() => bench.putBack());
  after(() => bench[Symbol.dispose]());

  function start(): Promise<InProcessDaemon> {
    return InProcessDaemon.start(bench.state, { scrypt: new FakeScrypt() });
  }

  async function assertRestores(daemon: InProcessDaemon, id: string, source: string): Promise<void> {
    const target = bench.newPath();
    succeeded(await daemon.restore(id, target));
    assert.deepEqual(compareTrees(source, target).differences, []);
    rmSync(target, { recursive: true });
  }

  /** One run that takes the source as it is; gives the bytes that it stored. */
  async function assertRunTakes(daemon: InProcessDaemon): Promise<number> {
    const { restorePointId, addedBytes } = await daemon.backUp();
    await assertRestores(daemon, restorePointId ?? '', bench.source);
    return addedBytes;
  }

  it('X8: caches that are gone, cut short, full of nonsense or of another policy change nothing that is stored', async () => {
    let unchanged = 0;
    {
      await using daemon = await start();
      await daemon.unlock(passphrases.main);
      await daemon.backUp();
      unchanged = (await daemon.backUp()).addedBytes;
      const other = bench.newPath();
      mkdirSync(other);
      writeFileSync(path.join(other, 'text'), random.text(20_000));
      await daemon.createPolicy(other, 'others');
      await daemon.backUp('others');
    }
    const cache = path.join(bench.state, 'cache');
    const files = readdirSync(cache, { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(cache, name))
      .filter((file) => statSync(file).isFile());
    assert.equal(files.length, 2, files.join(', '));
    const [one = '', two = ''] = files;
    const damages: Readonly<Record<string, () => void>> = {
      'cut short': () => files.forEach((file) => truncateSync(file, statSync(file).size >> 1)),
      nonsense: () => files.forEach((file) => writeFileSync(file, random.bytes(5000))),
      'a flipped bit': () =>
        files.forEach((file) => {
          const bytes = readFileSync(file);
          const at = random.below(bytes.length);
          bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
          writeFileSync(file, bytes);
        }),
      swapped: () => {
        const [first, second] = [readFileSync(one), readFileSync(two)];
        writeFileSync(one, second);
        writeFileSync(two, first);
      },
      gone: () => rmSync(cache, { recursive: true }),
    };
    for (const [damage, inflict] of Object.entries(damages)) {
      inflict();
      await using daemon = await start();
      await daemon.unlock(passphrases.main);
      const addedBytes = await assertRunTakes(daemon);
      assert.ok(addedBytes <= unchanged, `${damage}: ${addedBytes} bytes stored, ${unchanged} by an unchanged run`);
      const [newest] = await daemon.restorePoints('files');
      assert.deepEqual((await daemon.call(restorePointDiff, { restorePoint: newest?.id ?? '', against: 'previous' })).items, [], damage);
    }
  });

  it('X8: a catalog that is gone is rebuilt from the store with either passphrase, and backups go on where they were', async () => {
    for (const passphrase of [passphrases.main, passphrases.spare]) {
      bench.putBack();
      let before: unknown;
      {
        await using daemon = await start();
        await daemon.unlock(passphrases.main);
        before = (await daemon.restorePoints('files')).map((point) => ({ ...point, verified: null }));
      }
      rmSync(bench.state, { recursive: true });
      await using daemon = await start();
      assert.equal((await daemon.call(sessionStatus, {})).state, 'notSetUp');
      const { restorePoints, policies, damaged } = await daemon.importStored(bench.store, passphrase);
      assert.deepEqual([restorePoints, policies, damaged], [2, 1, []]);
      assert.deepEqual(
        (await daemon.restorePoints('files')).map((point) => ({ ...point, verified: null })),
        before,
      );
      for (const { id, source } of bench.acknowledged) await assertRestores(daemon, id, source);
      const policy = (await daemon.call(policyList, {})).items[0];
      assert.deepEqual([policy?.name, policy?.sources.map((source) => sourceName(source))], ['files', [bench.source]]);
      await assertRunTakes(daemon);
      assert.deepEqual(
        (await daemon.restorePoints('files')).map(({ sequence }) => sequence),
        [3, 2, 1],
      );
      await assert.rejects(
        daemon.call(sessionInit, { requestId: randomUUID(), passkeyName: 'new', passphrase: daemon.secret('another passphrase') }),
        (error) => HoldfastError.is(error, 'alreadySetUp'),
      );
    }
  });

  it(`X6: a daemon over a catalog with a flipped bit tells the truth or refuses with a way out, and the store gives all back (seed ${testSeed()})`, async () => {
    const catalog = path.join(bench.state, 'catalog.db');
    const known = new Map(bench.acknowledged.map(({ id, source }) => [id, source]));
    let refused = 0;
    for (let flip = 0; flip < flips; flip += 1) {
      bench.putBack();
      const bytes = readFileSync(catalog);
      // Bytes that hold something; the first page, on which all others hang, has a share of its own.
      let at = 0;
      do at = random.below(flip % 4 === 0 ? 4096 : bytes.length);
      while (bytes[at] === 0);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      writeFileSync(catalog, bytes);
      try {
        await using daemon = await start();
        await daemon.unlock(passphrases.main);
        const listed = await daemon.restorePoints('files');
        assert.deepEqual(new Set(listed.map(({ id }) => id)), new Set(known.keys()), `byte ${at}`);
        for (const { id } of listed.slice(flip % 2, 1 + (flip % 2))) await assertRestores(daemon, id, known.get(id) ?? '');
        if (flip % 3 === 0) await assertRunTakes(daemon);
      } catch (error) {
        if (!HoldfastError.is(error, 'catalogDamaged', 'catalogNewer')) throw new Error(`byte ${at}`, { cause: error });
        assert.ok(error.fix, error.message);
        refused += 1;
        if (refused > 1) continue;
        rmSync(bench.state, { recursive: true });
        await using daemon = await start();
        assert.equal((await daemon.importStored(bench.store, passphrases.main)).restorePoints >= known.size, true);
      }
    }
    assert.ok(refused > 0, `${refused} of ${flips} refused`);
  });
});
