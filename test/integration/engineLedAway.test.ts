import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runBackup } from '../../daemon/engine/backup/backup.ts';
import type { BackupResult } from '../../daemon/engine/jobs.ts';
import { EngineBench, testThreads } from '../support/engineBench.ts';

/**
 * A backup in which somebody replaces a folder by a link when its files were found and none of them is read yet: the threads that read start
 * only then, and the first of them does it.
 */
async function backupWhileReplaced(bench: EngineBench, folder: string, link: string): Promise<BackupResult> {
  const worker = join(bench.root, 'worker.mjs');
  const steps = { folder, moved: `${folder}.moved`, link };
  writeFileSync(
    worker,
    `import { existsSync, renameSync, symlinkSync } from 'node:fs';
    import { workerData } from 'node:worker_threads';
    const { folder, moved, link } = ${JSON.stringify(steps)};
    if (workerData.role === 'file' && workerData.thread === 1) {
      renameSync(folder, moved);
      symlinkSync(link, folder);
    }
    await import(${JSON.stringify(testThreads.workerUrl.href)});`,
  );
  const result = await runBackup(bench.job(), { workerUrl: pathToFileURL(worker), workers: 1 });
  bench.results.push(result);
  assert.ok(existsSync(steps.moved), 'nobody replaced the folder');
  return result;
}

describe('a folder that is replaced by a link while its files wait to be read', function () {
  before(function () {
    // Elsewhere the system does not tell where an open file lies.
    if (process.platform !== 'linux') this.skip();
  });

  it('X9: leads no file from outside into the restore point, and its files are named', async () => {
    using bench = new EngineBench();
    const outside = join(bench.root, 'outside');
    mkdirSync(outside);
    mkdirSync(join(bench.source, 'folder', 'below'), { recursive: true });
    mkdirSync(join(outside, 'below'));
    for (const name of ['one', 'below/two']) {
      writeFileSync(join(bench.source, 'folder', name), 'of the source');
      writeFileSync(join(outside, name), 'a secret that lies elsewhere');
    }
    writeFileSync(join(bench.source, 'other'), 'read as ever');
    const { skipped } = await backupWhileReplaced(bench, join(bench.source, 'folder'), outside);
    assert.deepEqual(skipped, [
      { path: join(bench.source, 'folder', 'below', 'two'), reason: 'a folder above it was replaced while it was read', special: false },
      { path: join(bench.source, 'folder', 'one'), reason: 'a folder above it was replaced while it was read', special: false },
    ]);
    const target = bench.target();
    await bench.restore(target);
    assert.deepEqual(readdirSync(target, { recursive: true, encoding: 'utf8' }).toSorted(), ['folder', 'folder/below', 'other']);
    assert.equal(readFileSync(join(target, 'other'), 'utf8'), 'read as ever');
  });

  it('X9: does not count where the source itself is reached over links', async () => {
    using bench = new EngineBench();
    mkdirSync(join(bench.source, 'folder'));
    writeFileSync(join(bench.source, 'folder', 'one'), 'of the source');
    const link = join(bench.root, 'link');
    symlinkSync(bench.root, link);
    const { skipped } = await bench.backup({}, { path: join(link, 'link', 'source') });
    assert.deepEqual(skipped, []);
    const target = bench.target();
    await bench.restore(target);
    assert.equal(readFileSync(join(target, 'folder', 'one'), 'utf8'), 'of the source');
  });
});
