import assert from 'node:assert/strict';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { bytesOf } from '../support/sampleRepository.ts';
import { EngineBench, temporaryNames } from '../support/engineBench.ts';
import { MemoryStore } from '../support/memoryStore.ts';
import type { GetOptions, ObjectBody } from '../../daemon/locations/objectStore.ts';

/** Does something once, when the first data is fetched for a restore: all folders are made by then, and no file is written. */
class StoreWithMoment extends MemoryStore {
  atMoment: (() => void) | undefined;

  override async get(key: string, options: GetOptions = {}): Promise<ObjectBody | undefined> {
    if (options.into !== undefined) {
      const moment = this.atMoment;
      this.atMoment = undefined;
      moment?.();
    }
    return await super.get(key, options);
  }
}

function fill(folder: string): void {
  mkdirSync(join(folder, 'taken', 'below'), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'taken', 'small'), 'restored');
  writeFileSync(join(folder, 'taken', 'below', 'small'), 'restored');
  writeFileSync(join(folder, 'taken', 'empty'), '');
  writeFileSync(join(folder, 'taken', 'large'), bytesOf(1, 6_000_000));
  symlinkSync('somewhere', join(folder, 'taken', 'link'));
  writeFileSync(join(folder, 'first'), 'restored too');
  linkSync(join(folder, 'first'), join(folder, 'taken', 'second'));
  chmodSync(join(folder, 'taken'), 0o777);
}

const isAboutIt = (reason: string): boolean => /a symbolic link took its place|its folder is gone/.test(reason);

describe('a restore into a folder that somebody else can write to', function () {
  before(function () {
    // Elsewhere there is no way to hold on to a folder.
    if (process.platform !== 'linux') this.skip();
  });

  // For everybody; for a group, whose bits are also what an access list grants at most.
  for (const mode of [0o777, 0o770]) {
    it(`M6: writes nothing through a link that took the place of a folder it has made below one of mode ${mode.toString(8)}, and names what is missing`, async () => {
      const store = new StoreWithMoment();
      using bench = new EngineBench(store);
      fill(bench.source);
      await bench.backup();
      const target = bench.target();
      mkdirSync(target, { recursive: true });
      chmodSync(target, mode);
      const outside = join(bench.root, 'outside');
      mkdirSync(join(outside, 'below'), { recursive: true });
      chmodSync(outside, 0o700);
      writeFileSync(join(outside, 'small'), 'of somebody else');
      store.atMoment = () => {
        renameSync(join(target, 'taken'), join(bench.root, 'moved'));
        symlinkSync(outside, join(target, 'taken'));
      };
      const { skipped, warnings, damaged } = await bench.restore(target);
      assert.equal(store.atMoment, undefined);
      assert.deepEqual(readdirSync(outside, { recursive: true, encoding: 'utf8' }).toSorted(), ['below', 'small']);
      assert.equal(readFileSync(join(outside, 'small'), 'utf8'), 'of somebody else');
      assert.equal(statSync(outside).mode & 0o777, 0o700);
      assert.equal(lstatSync(join(outside, 'below')).mode & 0o777, 0o755);
      assert.equal(readFileSync(join(target, 'first'), 'utf8'), 'restored too');
      assert.deepEqual(damaged, []);
      // The hard link may have gone into the folder that was moved away: that one was still open.
      const named = skipped.map(({ path }) => path).filter((path) => path !== 'taken/second');
      assert.deepEqual(named.toSorted(), ['taken/below/small', 'taken/large', 'taken/small']);
      assert.deepEqual([skipped.filter(({ reason }) => !isAboutIt(reason)), warnings.filter((warning) => !isAboutIt(warning))], [[], []]);
      assert.equal(warnings.length, 2);
    });
  }

  it('M6: goes on where the way to the target leads over links', async () => {
    using bench = new EngineBench();
    fill(bench.source);
    await bench.backup();
    const link = join(bench.root, 'link');
    symlinkSync(bench.root, link);
    const { skipped, warnings, damaged } = await bench.restore(join(link, 'link', 'ü', 'target'));
    assert.deepEqual([skipped, warnings, damaged], [[], [], []]);
    const taken = join(bench.root, 'ü', 'target', 'taken');
    assert.equal(readFileSync(join(taken, 'small'), 'utf8'), 'restored');
    assert.equal(readlinkSync(join(taken, 'link')), 'somewhere');
    assert.equal(statSync(join(taken, 'second')).nlink, 2);
    assert.ok(readFileSync(join(taken, 'large')).equals(bytesOf(1, 6_000_000)));
    assert.deepEqual(temporaryNames(bench.root), []);
  });
});
