import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { addRestorePointRows } from '../../support/manyRestorePoints.ts';
import { hostForEachTest } from './host.ts';

const restorePoints = 10_000;
const entries = 100_000;
/** MiB by which the extension host may grow for a page of a list. Its garbage counts too; the whole lists would take some hundreds. */
const growthMost = 80;

/** Resident memory of a process, in MiB. */
function memoryOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}

/** Milliseconds until what is waited for is there, for the log of the run: the machine decides them, so nothing is demanded of them. */
async function measured(what: string, work: () => Promise<void>): Promise<void> {
  const started = performance.now();
  await work();
  process.stdout.write(`${what}: ${Math.round(performance.now() - started)} ms\n`);
}

describe('trees of an installation that is in use for years', () => {
  const host = hostForEachTest();

  it('shows ten thousand restore points by day, and fetches only what is looked at', async () => {
    await host.scratch.setUp();
    await host.scratch.json(z.unknown(), ['policy', 'create', 'work', '--source', host.folder, '--location', 'store']);
    await host.scratch.json(z.unknown(), ['stop']);
    await addRestorePointRows(host.scratch, restorePoints);
    await host.scratch.json(z.unknown(), ['unlock', '--passphrase-file', host.scratch.passphraseFile]);
    const workbench = await host.openWindow({ height: 1200 });
    await workbench.openContainer();
    const view = workbench.view('Restore Points');
    await view.row('work').waitFor();
    assert.match(await view.row('work').description(), /10,000 restore points/);
    await view.row('work').collapse();
    const pid = host.extensionHostPid();
    const before = memoryOf(pid);
    await measured('10,000 restore points, first page', async () => {
      await view.row('work').expand();
      await view.row(/^\d{4}-\d\d-\d\d, 2\d restore points/).waitFor();
    });
    const grown = memoryOf(pid) - before;
    assert.ok(grown < growthMost, `${grown} MiB`);
  });

  it('shows a folder of a hundred thousand entries page by page, in flat memory', async () => {
    await host.scratch.setUp();
    const many = path.join(host.folder, 'many');
    mkdirSync(many);
    for (let number = 0; number < entries; number += 1) writeFileSync(path.join(many, `file${String(number).padStart(6, '0')}`), '');
    await host.scratch.json(z.unknown(), ['policy', 'create', 'work', '--source', host.folder, '--location', 'store']);
    await host.scratch.json(z.unknown(), ['backup', 'work']);
    const workbench = await host.openWindow({ height: 1200, folder: null });
    await workbench.openContainer();
    const view = workbench.view('Restore Points');
    const point = view.row(/added/);
    await point.waitFor();
    await point.expand();
    await view.row('many').waitFor();
    const pid = host.extensionHostPid();
    const before = memoryOf(pid);
    await measured('a folder of 100,000 entries, first page', async () => {
      await view.row('many').expand();
      await view.row('file000000').waitFor();
    });
    const grown = memoryOf(pid) - before;
    process.stdout.write(`the extension host grew by ${grown.toFixed(1)} MiB\n`);
    assert.ok(grown < growthMost, `${grown} MiB`);
  });
});
