import assert from 'node:assert/strict';
import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { actionList } from '../../protocol/methods/actions.ts';
import { restorePointDiff, restorePointFileHistory, restorePointRetire } from '../../protocol/methods/restorePoints.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { CrashBench } from '../support/crashBench.ts';
import { passphrases } from '../support/crashScenarios.ts';
import { succeeded } from '../support/drivenDaemon.ts';
import { InProcessDaemon } from '../support/inProcessDaemon.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';

/** What the clock shows at each run, one after the other. */
const times = [
  '2026-05-01T12:00:00.000Z',
  '2026-03-02T12:00:00.000Z', // 60 days back
  '2026-06-30T12:00:00.000Z', // 120 days on
  '2026-10-25T00:59:59.999Z', // the hour that central Europe has twice
  '2026-10-25T01:00:00.000Z',
  '2028-02-29T23:59:59.999Z',
  '2028-02-29T23:59:59.999Z', // the same moment again
  '1999-12-31T23:59:59.000Z', // a battery that ran out
  '2026-07-01T00:00:00.000Z',
] as const;

describe('a clock that is set', function () {
  this.timeout(120_000);
  const random = new SeededRandom(testSeed());
  let bench: CrashBench;

  beforeEach(() => {
    bench = new CrashBench(random);
  });
  afterEach(() => bench[Symbol.dispose]());

  it(`F1: back and forward changes neither sequence nor order, every run takes what changed, and all is listed and given back (seed ${testSeed()})`, async () => {
    await bench.setUp();
    const made = bench.acknowledged.map(({ id, source }) => ({ id, source }));
    const text = path.join(bench.source, 'text');
    for (const time of times) {
      let now = new Date(time).getTime();
      await using daemon = await start(() => new Date((now += 1)));
      // Of the same size, and with the time that it had: only the system's own change time tells.
      const { atimeMs, mtimeMs } = statSync(text);
      writeFileSync(text, random.text(20_000));
      utimesSync(text, atimeMs / 1000, mtimeMs / 1000);
      writeFileSync(path.join(bench.source, `at ${made.length}`), random.bytes(1000));
      const { restorePointId } = await daemon.backUp();
      made.push({ id: restorePointId ?? '', source: bench.keepSource() });
      const listed = await daemon.restorePoints('files');
      assert.deepEqual(
        listed.map(({ id, sequence }) => [id, sequence]),
        made.map(({ id }, index) => [id, index + 1]).toReversed(),
        time,
      );
      const changes = await daemon.call(restorePointDiff, { restorePoint: restorePointId ?? '', against: 'previous' });
      const added = new Set([`at ${made.length - 1}`, 'text']);
      assert.deepEqual(
        changes.items.filter((one) => added.has(one.path)).map(({ change }) => change),
        ['added', 'modified'],
        `${time}: ${JSON.stringify(changes.items)}`,
      );
    }

    await using daemon = await start(() => new Date('2026-04-01T00:00:00Z'));
    assert.deepEqual(new Set((await daemon.restorePoints()).map(({ id }) => id)), new Set(made.map(({ id }) => id)));
    assert.equal((await daemon.call(actionList, {})).items.length, made.length);
    const history = await daemon.call(restorePointFileHistory, { path: text });
    assert.deepEqual(
      history.items.map(({ restorePointId }) => restorePointId),
      made.map(({ id }) => id).toReversed(),
      'newest first, whatever the clock said',
    );
    for (const { id, source } of made) {
      const target = bench.newPath();
      succeeded(await daemon.restore(id, target));
      assert.deepEqual(compareTrees(source, target).differences, []);
      rmSync(target, { recursive: true });
    }
    await daemon.call(restorePointRetire, { restorePoint: made.at(-2)?.id ?? '', confirmed: true });
    await daemon.backUp();
    assert.equal((await daemon.restorePoints('files'))[0]?.sequence, made.length + 1);
  });

  it('F1: an import under any clock takes every restore point, in the order of sequences', async () => {
    await bench.setUp();
    const ids = bench.acknowledged.map(({ id }) => id);
    for (const time of ['2028-02-29T00:00:00Z', '2020-01-01T00:00:00Z']) {
      await using daemon = await start(() => new Date(time));
      bench.changeSource();
      ids.push((await daemon.backUp()).restorePointId ?? '');
    }
    for (const time of ['2019-01-01T00:00:00Z', '2031-01-01T00:00:00Z']) {
      await using daemon = await InProcessDaemon.start(bench.newPath(), { scrypt: new FakeScrypt(), wallClock: () => new Date(time) });
      const { restorePoints, damaged } = await daemon.importStored(bench.store, passphrases.main);
      assert.deepEqual([restorePoints, damaged], [ids.length, []]);
      assert.deepEqual(
        (await daemon.restorePoints('files')).map(({ id, sequence }) => [id, sequence]),
        ids.map((id, index) => [id, index + 1]).toReversed(),
      );
    }
  });

  async function start(wallClock: () => Date): Promise<InProcessDaemon> {
    const daemon = await InProcessDaemon.start(bench.state, { scrypt: new FakeScrypt(), wallClock });
    await daemon.unlock(passphrases.main);
    return daemon;
  }
});
