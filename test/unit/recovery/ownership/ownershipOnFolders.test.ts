import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFilesystemStore } from '../../../../daemon/locations/filesystem.ts';
import { initialiseStore } from '../../../../daemon/locations/marker.ts';
import { readTerms } from '../../../../daemon/recovery/ownership/termReader.ts';
import { termLength } from '../../../../daemon/repository/term.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import type { StoreId } from '../../../../protocol/ids.ts';
import { newId } from '../../../support/ids.ts';
import { Daemon, someTermKeys } from '../../../support/ownership/ownershipBench.ts';

describe('ownership of a folder', () => {
  const keys = someTermKeys();
  let root: string;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-ownership-'));
    await initialiseStore(root, { storeId: newId<StoreId>(), now: new Date() });
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  async function daemon(): Promise<Daemon> {
    return new Daemon(keys, await openFilesystemStore({ root }));
  }

  it('goes to who takes it last, and a former owner sees it', async () => {
    const [first, second] = [await daemon(), await daemon()];
    assert.equal(await first.state(), 'unclaimed');
    const one = await first.take();
    assert.deepEqual([one.state, one.term.n, one.term.versionId, one.term.term.storeTime], ['owner', 1, null, null]);
    assert.equal(await first.state(), 'owner');
    assert.equal((await second.take()).term.n, 2);
    assert.deepEqual([await first.state(), await second.state()], ['superseded', 'owner']);
    assert.deepEqual(
      readdirSync(join(root, keys.installationId, 'terms')).map((name) => name.slice(0, 16)),
      ['0000000000000001', '0000000000000002'],
    );
  });

  it('goes to one of many that take it at once', async () => {
    const daemons = await Promise.all(Array.from({ length: 6 }, daemon));
    const taken = await Promise.all(daemons.map((one) => one.take()));
    assert.ok(taken.some(({ state }) => state === 'owner'));
    const states = await Promise.all(daemons.map((one) => one.state()));
    assert.equal(states.filter((state) => state === 'owner').length, 1);
    assert.equal(states.filter((state) => state === 'superseded').length, 5);
  });

  it('C7: does not go to who copies terms under other names, or puts something else under them', async () => {
    const owner = await daemon();
    await owner.take();
    const stored = readFileSync(join(root, owner.keyOf(1)));
    writeFileSync(join(root, owner.keyOf(2)), stored);
    writeFileSync(join(root, `${owner.place.codec.prefix}0000000000000003-${'0'.repeat(32)}`), stored);
    const { state, findings } = await owner.look(true);
    assert.equal(state, 'owner');
    assert.deepEqual(findings.map(({ kind }) => kind).toSorted(), ['foreignVersion', 'unknownObject']);
  });

  it('cannot be taken while something else lies under the name of the next term, and says what and where', async () => {
    const [owner, other] = [await daemon(), await daemon()];
    await owner.take();
    writeFileSync(join(root, owner.keyOf(2)), Buffer.alloc(termLength));
    await assert.rejects(
      other.take(),
      (error: unknown) => HoldfastError.is(error, 'refusedByRule') && error.details?.['key'] === owner.keyOf(2),
    );
    assert.deepEqual([await owner.state(), await other.state()], ['owner', 'superseded']);
    rmSync(join(root, owner.keyOf(2)));
    assert.equal((await other.take()).state, 'owner');
  });

  it('R6: is nobody’s that has looked, where the term was overwritten or deleted', async () => {
    for (const hurt of [(path: string) => writeFileSync(path, 'junk'), (path: string) => rmSync(path)]) {
      const owner = await daemon();
      const { n } = (await owner.take()).term;
      assert.equal(await owner.state(), 'owner');
      hurt(join(root, owner.keyOf(n)));
      assert.equal(await owner.state(), 'lost');
      const { state, term } = await owner.take();
      assert.deepEqual([state, term.n, await owner.state()], ['owner', n + 1, 'owner']);
    }
  });

  it('does not go on by an older copy of the folder', async () => {
    const [first, second] = [await daemon(), await daemon()];
    await first.take();
    await second.take();
    rmSync(join(root, second.keyOf(2)));
    assert.deepEqual([await first.state(), await second.state()], ['owner', 'lost']);
    assert.equal((await second.take()).term.n, 3);
    assert.equal(await first.state(), 'superseded');
    assert.equal((await readTerms(first.place, null)).findings[0]?.kind, 'missingVersion');
  });

  it('S1: stays as it was where the folder is not there', async () => {
    const owner = await daemon();
    await owner.take();
    await owner.look();
    rmSync(join(root, 'holdfast-store'));
    await assert.rejects(owner.look(true), (error: unknown) => HoldfastError.is(error, 'storeUnreachable'));
    await assert.rejects(owner.take(), (error: unknown) => HoldfastError.is(error, 'storeUnreachable'));
  });
});
