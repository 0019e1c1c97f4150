import assert from 'node:assert/strict';
import { parseObjectKey } from '../../../daemon/repository/names.ts';
import type { ObjectStore } from '../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { backupDocument } from '../../../protocol/methods/backups.ts';
import type { NewSource } from '../../../protocol/methods/policies.ts';
import { crash, PolicyBench } from '../../support/policyBench.ts';

/** Keys of what a store holds, packs, indexes and manifests. */
async function stored(store: ObjectStore, type: 'pack' | 'index' | 'manifest'): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of store.list('')) keys.push(...page.map(({ key }) => key).filter((key) => parseObjectKey(key)?.type === type));
  return keys;
}

function command(name: string, text: string): NewSource {
  return { kind: 'command', name, command: text };
}

function unplugged(): never {
  throw new HoldfastError('storeUnreachable', 'Failed to put: the drive is gone.');
}

describe('backup service', () => {
  it('commits data, then the index, then the manifest, each gate before what it guards, and the catalog last', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    bench.events.length = 0;
    await bench.backUp('files', {
      afterManifest: () => {
        assert.equal(bench.catalog.restorePoints.newest(), undefined, 'nothing is acknowledged before the last gate');
      },
    });
    assert.deepEqual(bench.events, ['pack', 'index', 'gate', 'manifest', 'gate', 'committed']);
    const point = bench.points.resolve('files');
    assert.equal(point.sequence, 1);
    assert.equal(point.state, 'live');
  });

  it('continues sequence, hash link and index numbers from run to run', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const first = await bench.point('files');
    const second = await bench.point('files', { tree: { 'b.txt': 'more' } });
    assert.deepEqual([first.sequence, second.sequence], [1, 2]);
    const job = bench.jobs[1];
    assert.deepEqual(job?.previous, first.sha256);
    assert.equal(job?.nextIndexSequence, 2);
    assert.equal(job?.parentIndexes.length, 1, 'deduplicates against what the first one pinned');
    assert.deepEqual(
      job?.live.map(({ sequence }) => sequence),
      [1],
    );
  });

  it('keeps the numbers and the link of a restore point that was retired, although nothing lists it', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const only = await bench.point('files');
    bench.points.retire(only.id, true);
    assert.throws(() => bench.points.resolve('files'), { code: 'unknownName' });
    const next = await bench.point('files');
    assert.equal(next.sequence, 2);
    assert.deepEqual(bench.jobs[1]?.previous, only.sha256);
    assert.deepEqual(bench.jobs[1]?.live, []);
    assert.deepEqual(bench.jobs[1]?.parentIndexes, [], 'what only retired restore points need is no target of deduplication');
  });

  it('acknowledges nothing and lists nothing where the run fails, and releases the next run to go on', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    await assert.rejects(bench.backUp('files', { afterIndex: unplugged }), { code: 'storeUnreachable' });
    assert.equal(bench.catalog.restorePoints.newest(), undefined);
    assert.equal(bench.catalog.runPins.left().length, 1, 'what it put stays pinned');
    const { sequence } = await bench.point('files');
    assert.equal(sequence, 1);
    assert.equal(bench.jobs[1]?.parentIndexes.length, 1, 'the index that the failed run put serves the next');
    assert.deepEqual(bench.catalog.runPins.left(), []);
  });

  it('never gives an index number again that a failed run used', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    await assert.rejects(bench.backUp('files', { afterIndex: unplugged }));
    await bench.backUp('files');
    const store = await bench.base.open(bench.base.installation.locations.resolve('store').locationId);
    const numbers = (await stored(store, 'index')).map((key) => {
      const name = parseObjectKey(key);
      return name?.type === 'index' ? name.sequence : 0;
    });
    assert.deepEqual(numbers, [1, 2]);
  });

  it('S9: starts again without packs that are gone, under the same sequence and with one manifest in the end', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const first = await bench.point('files');
    const locationId = bench.base.installation.locations.resolve('store').locationId;
    const store = await bench.base.open(locationId);
    const [pack = ''] = await stored(store, 'pack');
    const hit = Buffer.from(pack.slice(-32), 'hex');
    // The pack vanishes after the first gate has seen it: only the second gate, behind the put of the manifest, can tell.
    const vanishes = async (): Promise<void> => store.delete(pack, null);
    const second = await bench.point('files', { hits: [hit], afterManifest: vanishes }, { tree: { 'b.txt': 'more' } });
    assert.equal(second.sequence, first.sequence + 1);
    assert.deepEqual(
      bench.jobs[2]?.unusablePacks?.map((id) => Buffer.from(id).toString('hex')),
      [hit.toString('hex')],
    );
    assert.deepEqual(
      (await stored(store, 'manifest')).map((key) => key.slice(-32)).toSorted(),
      [first, second].map(({ id }) => id.replaceAll('-', '')).toSorted(),
    );
    assert.equal(bench.catalog.objects.get(locationId, pack)?.state, 'missing');
  });

  it('puts the keyring first where the location is behind, and fails before any data where it cannot', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const { installation } = bench.base;
    const locationId = installation.locations.resolve('store').locationId;
    bench.catalog.transaction(() => installation.keyrings.changed());
    assert.equal(installation.keyrings.isBehind(locationId), true);
    await bench.backUp('files');
    assert.equal(installation.keyrings.isBehind(locationId), false);
    assert.notEqual(bench.jobs[0]?.heads.keyring, null);
  });

  it('leaves the state directory and the folders of all filesystem locations out of every source', async () => {
    using bench = await PolicyBench.ready();
    await bench.base.addLocation('second');
    await bench.createPolicy();
    await bench.backUp('files');
    assert.deepEqual(
      bench.jobs[0]?.alwaysExclude.toSorted(),
      [bench.base.state, bench.base.at('store'), bench.base.at('second')].toSorted(),
    );
  });

  it('refuses a policy whose location was removed, with the way to give it another', async () => {
    using bench = await PolicyBench.ready();
    const { policyId } = await bench.createPolicy();
    bench.catalog.policies.change(bench.policies.resolve(policyId).policyId, { locationId: null });
    await assert.rejects(bench.backUp('files'), (error) => HoldfastError.is(error, 'unknownName') && /--location/.test(error.fix ?? ''));
  });

  it('goes on from an older restore point where the manifest of the newest is damaged, and says so', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    await bench.point('files');
    const second = await bench.point('files');
    const store = await bench.base.open(bench.base.installation.locations.resolve('store').locationId);
    await store.delete(second.manifestKey, null);
    const third = await bench.point('files');
    assert.equal(third.sequence, 3);
    assert.ok(bench.events.includes('manifest unreadable'));
    assert.equal(bench.jobs[2]?.parentIndexes.length, 1);
  });

  it('says seconds to the millisecond, and names warnings with the exit of warnings', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const result = await bench.backUp('files', { warnings: ['a.txt changed while it was read.'] });
    assert.equal(result.outcome, 'completeWithWarnings');
    assert.equal(result.error?.code, 'completedWithWarnings');
    assert.equal(result.document['seconds'], 1.235);
    assert.equal(bench.points.resolve('files').outcome, 'completeWithWarnings');
  });

  it('moves to another location with its sequence, and leaves what an unfinished run put at the first pinned there', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const first = await bench.point('files');
    await bench.leave('files', { afterIndex: crash });
    await bench.base.addLocation('second');
    const before = bench.catalog.runPins.left();
    await bench.policies.edit({ policy: 'files', location: 'second' });
    const moved = await bench.point('files');
    assert.equal(moved.sequence, first.sequence + 1);
    assert.notEqual(moved.storeId, first.storeId);
    assert.deepEqual(bench.jobs.at(-1)?.parentIndexes, [], 'data of another store is not relied on');
    assert.deepEqual(bench.catalog.runPins.left(), before);
  });

  it('runs commands as sources and tells what each did, and of hooks; a dry run runs neither hook', async () => {
    using bench = await PolicyBench.ready();
    const sources = [
      { kind: 'folder' as const, path: bench.base.at('source') },
      { kind: 'command' as const, name: 'db.sql', command: 'dump' },
    ];
    const before = { command: 'stop', timeLimit: 5 };
    await bench.createPolicy({ sources, before, after: { command: 'start', timeLimit: 6 } });
    bench.commandEnds.set('dump', { bytes: 7, standardError: 'dumping', seconds: 2 });
    bench.events.length = 0;
    const { document, outcome } = await bench.backUp('files');
    assert.equal(outcome, 'complete');
    assert.deepEqual(bench.events, ['stop', 'dump', 'pack', 'index', 'gate', 'manifest', 'gate', 'committed', 'start']);
    const well = { exitStatus: 0, signal: null, seconds: 0, standardError: '', problem: null };
    assert.deepEqual(document['commands'], [{ ...well, name: 'db.sql', bytes: 7, kept: true, standardError: 'dumping', seconds: 2 }]);
    assert.deepEqual(document['hooks'], { before: well, after: well });
    assert.equal(bench.commandsRun[2]?.environment?.['HOLDFAST_RESTORE_POINT_ID'], document['restorePointId']);
    assert.deepEqual(
      bench.commandsRun.map(({ timeLimit }) => timeLimit),
      [5, 86_400, 6],
    );
    const dry = await bench.dryRun('files');
    assert.deepEqual([bench.commandsRun.length, dry.document['hooks'], dry.document['commands']], [3, { before: null, after: null }, []]);
  });

  it('warns of a command after the run that failed, and the restore point stays acknowledged', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy({ after: { command: 'start', timeLimit: 6 } });
    bench.commandEnds.set('start', { exitStatus: 1, problem: 'it ended with status 1' });
    const { document, outcome, error } = await bench.backUp('files');
    assert.deepEqual([outcome, error?.code], ['completeWithWarnings', 'completedWithWarnings']);
    assert.deepEqual(document['warnings'], ['The command after the run failed: it ended with status 1.']);
    assert.equal(document['warningsCount'], 1);
    assert.equal(bench.points.resolve('files').id, document['restorePointId']);
  });

  it('ends as failed where the command before the run fails, with its words beside the error, and stores nothing', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy({ before: { command: 'stop', timeLimit: 6 }, after: { command: 'start', timeLimit: 6 } });
    bench.commandEnds.set('stop', { exitStatus: 9, standardError: 'busy', problem: 'it ended with status 9' });
    bench.events.length = 0;
    const { document, outcome, error } = await bench.backUp('files');
    assert.deepEqual([outcome, error?.code, document['outcome'], document['restorePointId']], ['failed', 'hookFailed', 'failed', null]);
    assert.deepEqual(bench.events, ['stop', 'start']);
    const reports = { exitStatus: 9, signal: null, seconds: 0, standardError: 'busy', problem: 'it ended with status 9' };
    assert.deepEqual(Reflect.get(Object(error?.details?.['hooks']), 'before'), reports);
    assert.equal(bench.catalog.restorePoints.newest(), undefined);
  });

  it('keeps the error of a run that failed, and what commands did stands beside it', async () => {
    using bench = await PolicyBench.ready();
    const sources = [{ kind: 'command' as const, name: 'db.sql', command: 'dump' }];
    await bench.createPolicy({ sources });
    const { outcome, error, document } = await bench.backUp('files', { afterPack: unplugged });
    assert.deepEqual([outcome, error?.code], ['failed', 'storeUnreachable']);
    assert.deepEqual(document['commands'], error?.details?.['commands']);
    const { commands } = backupDocument.parse(document);
    assert.deepEqual([commands[0]?.name, commands[0]?.kept], ['db.sql', false]);
  });

  it('gives a command that keeps its name its id, whatever it runs', async () => {
    using bench = await PolicyBench.ready();
    const first = await bench.createPolicy({ sources: [command('a', 'one'), command('b', 'two')] });
    const then = await bench.policies.edit({ policy: 'files', sources: [command('b', 'three'), command('c', 'one')] });
    assert.equal(then.sources[0]?.sourceId, first.sources[1]?.sourceId);
    assert.equal(then.sources[1]?.kind === 'command' ? then.sources[1].command : undefined, 'one');
    assert.notEqual(then.sources[1]?.sourceId, first.sources[0]?.sourceId);
    await assert.rejects(bench.policies.edit({ policy: 'files', sources: [command('b', '1'), command('b', '2')] }), { code: 'badValue' });
    const both = await bench.policies.edit({
      policy: 'files',
      sources: [command('b', '1'), { kind: 'folder', path: bench.base.at('source') }],
    });
    assert.equal(both.sources.length, 2);
  });
});
