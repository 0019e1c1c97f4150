import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FileSystem } from '../../daemon/locations/fileAccess.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { copyFolder, CrashBench } from '../support/crashBench.ts';
import { countedFileSystem } from '../support/crashPoints.ts';
import { crashScenarios, passphrases } from '../support/crashScenarios.ts';
import { succeeded } from '../support/drivenDaemon.ts';
import { InProcessDaemon } from '../support/inProcessDaemon.ts';
import { MemoryDisk } from '../support/memoryDisk.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';

const systemError = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code, syscall: 'injected' });

function start(state: string, fileSystem: FileSystem): Promise<InProcessDaemon> {
  return InProcessDaemon.start(state, { scrypt: new FakeScrypt(), fileSystem });
}

/** Object keys and temporary names in the location, without what an installation holds besides its policies. */
function filesOfPolicies(store: string): readonly string[] {
  return readdirSync(store, { recursive: true, encoding: 'utf8' }).filter((name) => /\/policies\/.*\/[^/]*[0-9a-f]{32}$|\.tmp-/.test(name));
}

async function failedBackup(daemon: InProcessDaemon, code: ErrorCode): Promise<ActionWithResult> {
  const action = await daemon.ended(await daemon.startBackup());
  assert.deepEqual([action.state, action.error?.code], ['failed', code], action.error?.message);
  assert.match(action.error?.message ?? '', /^Failed to /);
  assert.ok(action.error?.fix);
  return action;
}

async function assertNextRunWorks(daemon: InProcessDaemon, bench: CrashBench): Promise<number> {
  const { restorePointId, addedBytes } = await daemon.backUp();
  const target = bench.newPath();
  for (const { id } of await daemon.restorePoints()) succeeded(await daemon.verify(id));
  succeeded(await daemon.restore(restorePointId ?? '', target));
  assert.deepEqual(compareTrees(bench.source, target).differences, []);
  rmSync(target, { recursive: true });
  assert.deepEqual(
    filesOfPolicies(bench.store).filter((name) => name.includes('.tmp-')),
    [],
  );
  return addedBytes;
}

describe('a location that fails in mid-run', function () {
  this.timeout(300_000);
  const random = new SeededRandom(testSeed());
  let bench: CrashBench;

  before(async () => {
    bench = new CrashBench(random);
    await bench.setUp();
  });
  beforeEach(() => bench.putBack());
  after(() => bench[Symbol.dispose]());

  it('X4: is full at any write: no half restore point, a clear error, and the next run goes on once there is room', async () => {
    let writes = 0;
    let fullFrom = Number.POSITIVE_INFINITY;
    const full = countedFileSystem((step) => {
      if (!step.startsWith('write')) return;
      writes += 1;
      if (writes >= fullFrom) throw systemError('ENOSPC');
    });
    let failures = 0;
    for (let at = 1; ; at += 1) {
      bench.putBack();
      await using daemon = await start(bench.state, full);
      await daemon.unlock(passphrases.main);
      const before = await daemon.restorePoints();
      writes = 0;
      fullFrom = at;
      const action = await daemon.ended(await daemon.startBackup());
      fullFrom = Number.POSITIVE_INFINITY;
      if (action.state === 'complete') break;
      failures += 1;
      assert.deepEqual([action.state, action.error?.code], ['failed', 'storeFull'], action.error?.message);
      assert.deepEqual(await daemon.restorePoints(), before);
      await assertNextRunWorks(daemon, bench);
    }
    assert.ok(failures >= 6, `${failures} writes`);
  });

  it('X4: what was stored before the location was full is not stored again, or is removed where not even an index has room', async () => {
    writeFileSync(path.join(bench.source, 'big'), random.bytes(40 * 2 ** 20));
    for (const hasRoomForIndex of [true, false]) {
      bench.putBack();
      let packs = 0;
      let isFull = false;
      const full = countedFileSystem((step) => {
        if (step === 'link') packs += 1;
        if (step !== 'write') return;
        if (packs >= 2 && !isFull) {
          isFull = true;
          throw systemError('ENOSPC');
        }
        if (isFull && !hasRoomForIndex) throw systemError('ENOSPC');
      });
      await using daemon = await start(bench.state, full);
      await daemon.unlock(passphrases.main);
      const before = filesOfPolicies(bench.store).length;
      await failedBackup(daemon, 'storeFull');
      const left = filesOfPolicies(bench.store).length - before;
      packs = -1000;
      isFull = false;
      const addedBytes = await assertNextRunWorks(daemon, bench);
      if (hasRoomForIndex) assert.ok(addedBytes < 30 * 2 ** 20, `${addedBytes} bytes stored again`);
      else assert.equal(left, 0, 'nothing is left behind that nobody names');
    }
    rmSync(path.join(bench.source, 'big'));
  });

  if (canMount()) {
    it('X4: is really full: a tiny file system, made bigger afterwards', async () => {
      const mounted = bench.at('tiny');
      mkdirSync(mounted);
      mount(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mounted]);
      try {
        const state = bench.newPath();
        writeFileSync(path.join(bench.source, 'too much'), random.bytes(3 * 2 ** 20));
        await using daemon = await InProcessDaemon.start(state, { scrypt: new FakeScrypt() });
        await daemon.init(passphrases.main);
        await daemon.addLocation(mounted);
        await daemon.createPolicy(bench.source);
        await failedBackup(daemon, 'storeFull');
        assert.deepEqual(await daemon.restorePoints(), []);
        mount(['-o', 'remount,size=64m', mounted]);
        await assertNextRunWorks(daemon, bench);
      } finally {
        spawnSync('umount', [mounted]);
        rmSync(path.join(bench.source, 'too much'));
      }
    });
  }

  it('X5: answers an fsync with an input/output error: nothing more is written in that run, and the next one works', async () => {
    for (const step of ['sync', 'sync folder'] as const) {
      for (let at = 1; at <= 4; at += 1) {
        bench.putBack();
        let seen = 0;
        let isFailing = false;
        let isOver = false;
        const after: string[] = [];
        const failing = countedFileSystem((reached) => {
          // What another put had begun meanwhile may still come to the end of its step.
          if (isFailing && !isOver && reached !== 'unlink' && reached !== 'write the rest') after.push(reached);
          if (reached !== step || isOver) return;
          seen += 1;
          if (seen !== at) return;
          // The run learns of it before anything else that waits for the system goes on.
          setImmediate(() => {
            isFailing = true;
          });
          throw systemError('EIO');
        });
        await using daemon = await start(bench.state, failing);
        await daemon.unlock(passphrases.main);
        const before = await daemon.restorePoints();
        await failedBackup(daemon, 'storeFailed');
        assert.deepEqual(after, [], 'after the failed fsync');
        assert.deepEqual(await daemon.restorePoints(), before);
        isOver = true;
        await assertNextRunWorks(daemon, bench);
      }
    }
  });

  it('X4: goes away, or takes no more writes: a clear error, and the next run goes on once it is back', async () => {
    const away = bench.at('away');
    const faults = [
      { code: 'storeUnreachable', fail: () => renameSync(bench.store, away), heal: () => renameSync(away, bench.store) },
      {
        code: 'storeReadOnly',
        fail: () => {
          throw systemError('EROFS');
        },
        heal: () => undefined,
      },
    ] as const;
    for (const { code, fail, heal } of faults) {
      for (const at of [1, 2, 3]) {
        bench.putBack();
        let creates = 0;
        const failing = countedFileSystem((step) => {
          if (step !== 'create') return;
          creates += 1;
          if (creates === at || (creates > at && code === 'storeReadOnly')) fail();
        });
        await using daemon = await start(bench.state, failing);
        await daemon.unlock(passphrases.main);
        const before = await daemon.restorePoints();
        await failedBackup(daemon, code);
        assert.deepEqual(await daemon.restorePoints(), before);
        heal();
        creates = -1000;
        await assertNextRunWorks(daemon, bench);
      }
    }
  });

  it(`X3: a power cut at any moment of a backup loses nothing that was acknowledged (seed ${testSeed()})`, async () => {
    const state = bench.newPath();
    const disk = await diskWith(bench.store, state);
    const source = bench.newPath();
    mkdirSync(source);
    /** What is on the disk and in the catalog at each moment of the second backup. */
    const moments: { readonly disk: MemoryDisk; readonly state: string; readonly step: string }[] = [];
    let isCounting = false;
    let seed = testSeed();
    const keep = (step: string): void => {
      if (!isCounting) return;
      const kept = bench.newPath();
      copyFolder(state, kept);
      seed += 1;
      moments.push({ disk: disk.loseUnsynced(seed), state: kept, step: `${moments.length} (${step}), seed ${seed}` });
    };
    let acknowledged: readonly string[] = [];
    {
      await using daemon = await start(state, countedFileSystem(keep, disk));
      await daemon.init(passphrases.main);
      await daemon.addLocation(bench.store);
      writeFileSync(path.join(source, 'first'), random.bytes(50_000));
      await daemon.createPolicy(source);
      const { restorePointId } = await daemon.backUp();
      acknowledged = [restorePointId ?? ''];
      writeFileSync(path.join(source, 'second'), random.bytes(50_000));
      isCounting = true;
      const next = await daemon.backUp();
      keep('after the answer');
      isCounting = false;
      const last = moments.pop();
      assert.ok(last !== undefined && next.restorePointId !== null);
      await check(last, [...acknowledged, next.restorePointId]);
    }
    for (const moment of moments) await check(moment, acknowledged);
    assert.ok(moments.length >= 25, `${moments.length} moments`);

    async function check(moment: (typeof moments)[number], wanted: readonly string[]): Promise<void> {
      await using daemon = await start(moment.state, moment.disk);
      await daemon.unlock(passphrases.main);
      const listed = (await daemon.restorePoints()).map(({ id }) => id);
      for (const id of wanted) assert.ok(listed.includes(id), `${moment.step}: ${id} is lost`);
      for (const id of listed) assert.equal((await daemon.verify(id)).state, 'complete', moment.step);
      const { restorePointId } = await daemon.backUp();
      assert.equal((await daemon.verify(restorePointId ?? '')).state, 'complete', moment.step);
    }
  });

  it(`X2 X3: after a power cut at any moment of a rotation the store alone still opens, with the new passphrase once it was acknowledged (seed ${testSeed()})`, async () => {
    const state = bench.newPath();
    const disk = await diskWith(bench.store, state);
    const source = bench.newPath();
    mkdirSync(source);
    writeFileSync(path.join(source, 'file'), random.bytes(1000));
    const moments: { readonly disk: MemoryDisk; readonly step: string }[] = [];
    let isCounting = false;
    let seed = testSeed();
    const keep = (step: string): void => {
      if (!isCounting) return;
      seed += 1;
      moments.push({ disk: disk.loseUnsynced(seed), step: `${moments.length} (${step}), seed ${seed}` });
    };
    {
      await using daemon = await start(state, countedFileSystem(keep, disk));
      await daemon.init(passphrases.main);
      await daemon.addLocation(bench.store);
      await daemon.createPolicy(source);
      await daemon.backUp();
      isCounting = true;
      await crashScenarios.rotatePasskey.run(daemon);
      keep('after the answer');
    }
    assert.ok(moments.length >= 6, `${moments.length} moments`);
    for (const moment of moments) await check(moment, passphrases.main);
    const last = moments.at(-1);
    assert.ok(last !== undefined);
    await check(last, passphrases.rotated);

    async function check(moment: (typeof moments)[number], passphrase: string): Promise<void> {
      await using daemon = await start(bench.newPath(), moment.disk);
      const { restorePoints, damaged } = await daemon.importStored(bench.store, passphrase);
      assert.deepEqual([restorePoints, damaged], [1, []], moment.step);
      const [point] = await daemon.restorePoints();
      assert.equal((await daemon.verify(point?.id ?? '')).state, 'complete', moment.step);
    }
  });
});

/** A disk in memory that has these folders. */
async function diskWith(...folders: readonly string[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  for (const folder of new Set(folders.flatMap(withParents))) {
    await disk.makeFolder(folder);
    await disk.syncFolder(path.dirname(folder));
  }
  return disk;
}

/** The folder and all above it, from the top. */
function withParents(folder: string): readonly string[] {
  const parent = path.dirname(folder);
  return parent === folder ? [] : [...withParents(parent), folder];
}

function mount(args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}

/** Whether this user may mount here; without it the injected faults of the other tests have to do. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
}
