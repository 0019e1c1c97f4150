import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFilesystemStore } from '../../../daemon/locations/filesystem.ts';
import { initialiseStore, markerName } from '../../../daemon/locations/marker.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { newId } from '../../support/ids.ts';

const bytes = Buffer.from('an object');

/** A location whose holder plays tricks. */
class TrickyFolder implements Disposable {
  readonly root: string = mkdtempSync(join(tmpdir(), 'holdfast-tricky-'));

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  at(...names: string[]): string {
    return join(this.root, ...names);
  }

  makeFifo(...names: string[]): void {
    execFileSync('mkfifo', [this.at(...names)]);
  }
}

describe('a location whose holder is hostile', function () {
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  it('M3: with a FIFO in place of an object has no such object, and nothing waits for a writer', async () => {
    using folder = new TrickyFolder();
    await initialiseStore(folder.root, { storeId: newId(), now: new Date() });
    const store = await openFilesystemStore({ root: folder.root });
    mkdirSync(folder.at('i'));
    folder.makeFifo('i', 'a');
    // More than the runtime has threads for files: one that waits for ever would be the end of all of them.
    const found = await Promise.all(Array.from({ length: 8 }, async () => await store.get('i/a')));
    assert.deepEqual(
      found.filter((object) => object !== undefined),
      [],
    );
    assert.equal(await store.head('i/a'), undefined);
    await assert.rejects(store.put('i/a', bytes), (error) => HoldfastError.is(error, 'objectExists'));
  });

  it('M3: with a FIFO in place of the marker is no store, and nothing waits for a writer', async () => {
    using folder = new TrickyFolder();
    await initialiseStore(folder.root, { storeId: newId(), now: new Date() });
    const store = await openFilesystemStore({ root: folder.root });
    unlinkSync(folder.at(markerName));
    folder.makeFifo(markerName);
    await assert.rejects(openFilesystemStore({ root: folder.root }), (error) => HoldfastError.is(error, 'damaged'));
    await assert.rejects(store.put('i/a', bytes), (error) => HoldfastError.is(error, 'damaged'));
    assert.deepEqual(readdirSync(folder.root), [markerName]);
  });
});
