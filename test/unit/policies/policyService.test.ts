import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { HoldfastError } from '../../../protocol/errors.ts';
import { PolicyBench } from '../../support/policyBench.ts';

describe('policy service', () => {
  it('makes a policy whose sources have ids, and finds it by name, by id and by what an id begins with', async () => {
    using bench = await PolicyBench.ready();
    const made = await bench.createPolicy();
    assert.equal(made.sources.length, 1);
    assert.equal(made.location, 'store');
    assert.equal(made.restorePoints, 0);
    for (const reference of ['files', made.policyId, made.policyId.slice(0, 8)]) {
      assert.equal(bench.policies.resolve(reference).policyId, made.policyId);
    }
    assert.throws(() => bench.policies.resolve('file'), { code: 'unknownName' });
    assert.throws(() => bench.policies.resolve(made.policyId.slice(0, 3)), { code: 'unknownName' }, 'too short to mean an id');
  });

  it('refuses a name that is taken, on create and on edit, and changes nothing then', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    await bench.createPolicy({ name: 'others' });
    await assert.rejects(bench.createPolicy(), { code: 'nameTaken' });
    await assert.rejects(bench.policies.edit({ policy: 'others', name: 'files', exclude: ['*.tmp'] }), { code: 'nameTaken' });
    assert.deepEqual(bench.policies.describe(bench.policies.resolve('others')).exclude, []);
    assert.equal(bench.policies.all().length, 2);
  });

  it('M7: a policy that takes a deleted one’s name has another id, and the deleted one keeps its restore points', async () => {
    using bench = await PolicyBench.ready();
    const first = await bench.createPolicy();
    const point = await bench.point('files');
    bench.policies.delete('files', true);
    const second = await bench.createPolicy();
    assert.notEqual(second.policyId, first.policyId);
    assert.equal(second.restorePoints, 0);
    assert.equal(bench.points.resolve(point.id).policyId, first.policyId);
    const keys = bench.catalog.policies
      .list({ includeDeleted: true })
      .map(({ policyId }) => bench.base.installation.keys.policyKeys(policyId, 1));
    assert.notDeepEqual(keys[0]?.pack.export(), keys[1]?.pack.export());
  });

  it('M7: a rename changes no id, no key and no restore point', async () => {
    using bench = await PolicyBench.ready();
    const made = await bench.createPolicy();
    const point = await bench.point('files');
    const renamed = await bench.policies.edit({ policy: 'files', name: 'work' });
    assert.equal(renamed.policyId, made.policyId);
    assert.deepEqual(renamed.sources, made.sources);
    assert.equal(bench.points.resolve('work').id, point.id);
    assert.throws(() => bench.points.resolve('files'), { code: 'unknownName' });
  });

  it('loses nothing of two changes that come at the same time', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    mkdirSync(bench.base.at('more'));
    await Promise.all([
      bench.policies.edit({ policy: 'files', name: 'work', sources: [{ kind: 'folder', path: bench.base.at('more') }] }),
      bench.policies.edit({ policy: 'files', schedule: '@daily' }),
    ]);
    const { schedule, sources } = bench.policies.describe(bench.policies.resolve('work'));
    assert.equal(schedule, '@daily');
    assert.deepEqual(
      sources.map((source) => source.kind === 'folder' && source.path),
      [bench.base.at('more')],
    );
  });

  it('keeps the id of a source that stays, gives a new one to a new path, and leaves out what is left out', async () => {
    using bench = await PolicyBench.ready();
    const made = await bench.createPolicy({ exclude: ['*.o'], gitignore: true });
    mkdirSync(bench.base.at('more'));
    const edited = await bench.policies.edit({
      policy: 'files',
      sources: [
        { kind: 'folder', path: bench.base.at('more') },
        { kind: 'folder', path: `${bench.base.at('source')}/./` },
      ],
    });
    assert.deepEqual(edited.sources[1], made.sources[0]);
    assert.notEqual(edited.sources[0]?.sourceId, made.sources[0]?.sourceId);
    assert.deepEqual([edited.exclude, edited.gitignore], [['*.o'], true]);
  });

  it('refuses sources that are not there, stand twice, are no absolute path, or are no folder and no file', async () => {
    using bench = await PolicyBench.ready();
    const source = bench.base.at('source');
    const created = (...paths: readonly string[]): Promise<unknown> =>
      bench.createPolicy({ sources: paths.map((path) => ({ kind: 'folder', path })) });
    await assert.rejects(created(bench.base.at('nowhere')), { code: 'sourceMissing' });
    await assert.rejects(created(source, `${source}//`), { code: 'badValue' });
    await assert.rejects(created('relative/path'), { code: 'badValue' });
    await assert.rejects(created(`${source}\0`), { code: 'badValue' });
    await assert.rejects(created('/dev/null'), { code: 'badValue' });
    assert.equal(bench.policies.all().length, 0);
    writeFileSync(bench.base.at('one-file'), 'x');
    symlinkSync(source, bench.base.at('link'));
    await created(bench.base.at('one-file'), bench.base.at('link'));
  });

  it('refuses a source that is or lies in the state directory or a location, straight or by a link', async () => {
    using bench = await PolicyBench.ready();
    const { base } = bench;
    symlinkSync(base.state, base.at('link'));
    mkdirSync(base.at('store', 'below'));
    for (const path of [base.state, base.at('link'), base.at('store'), base.at('store', 'below'), base.at('source', '..', 'state')]) {
      await assert.rejects(bench.createPolicy({ sources: [{ kind: 'folder', path }] }), { code: 'refusedByRule' }, path);
    }
    await bench.createPolicy({ sources: [{ kind: 'folder', path: base.folder }] });
  });

  it('refuses to back up a source that a location has come to lie around', async () => {
    using bench = await PolicyBench.ready();
    const { base } = bench;
    mkdirSync(base.at('drive', 'work'), { recursive: true });
    await bench.createPolicy({ sources: [{ kind: 'folder', path: base.at('drive', 'work') }] });
    await bench.backUp('files');
    await base.addLocation('drive');
    await assert.rejects(bench.backUp('files'), { code: 'refusedByRule' });
    const kept = await bench.policies.edit({ policy: 'files', exclude: ['*.o'] });
    assert.deepEqual(kept.exclude, ['*.o'], 'the rest of the policy can be changed all the same');
  });

  it('a source that has gone away since does not keep the rest of a policy from being edited', async () => {
    using bench = await PolicyBench.ready();
    mkdirSync(bench.base.at('mounted'));
    await bench.createPolicy({ sources: [{ kind: 'folder', path: bench.base.at('mounted') }] });
    rmdirSync(bench.base.at('mounted'));
    const edited = await bench.policies.edit({ policy: 'files', exclude: ['*.log'] });
    assert.deepEqual(edited.exclude, ['*.log']);
  });

  it('refuses a location that is not there, and moves to one that is', async () => {
    using bench = await PolicyBench.ready();
    await assert.rejects(bench.createPolicy({ location: 'nowhere' }), { code: 'unknownName' });
    await bench.createPolicy();
    await bench.base.addLocation('second');
    assert.equal((await bench.policies.edit({ policy: 'files', location: 'second' })).location, 'second');
    await assert.rejects(bench.policies.edit({ policy: 'files', location: 'nowhere' }), { code: 'unknownName' });
  });

  it('deletes only when asked twice, and never while a run of it is under way', async () => {
    using bench = await PolicyBench.ready();
    const { policyId } = await bench.createPolicy();
    await bench.point('files');
    bench.busy.add(policyId);
    assert.throws(() => bench.policies.delete('files', true), { code: 'stillInUse' });
    bench.busy.clear();
    assert.throws(
      () => bench.policies.delete('files', false),
      (error) => HoldfastError.is(error, 'confirmationNeeded') && /its 1 restore point stays until it is retired/.test(error.message),
    );
    bench.policies.delete('files', true);
    assert.deepEqual(bench.policies.all(), []);
  });

  it('M1: one definition that cannot be read is an error of that policy with a way out that works', async () => {
    using bench = await PolicyBench.ready();
    const { policyId } = await bench.createPolicy();
    bench.catalog.policies.change(bench.policies.resolve(policyId).policyId, { definition: { sources: 'what?' } });
    await assert.rejects(bench.policies.edit({ policy: 'files', exclude: [] }), { code: 'catalogDamaged' });
    await assert.rejects(bench.backUp('files'), { code: 'catalogDamaged' });
    await bench.policies.edit({ policy: 'files', sources: [{ kind: 'folder', path: bench.base.at('source') }] });
    await bench.backUp('files');
  });

  it('M1: one definition that cannot be read keeps no other policy from being listed, and itself not from being paused and deleted', async () => {
    using bench = await PolicyBench.ready();
    for (const name of ['a', 'b', 'c']) await bench.createPolicy({ name });
    for (const definition of [{ sources: 'what?' }, null, 'x', []]) {
      bench.catalog.policies.change(bench.policies.resolve('b').policyId, { definition });
      const { items } = bench.policies.list({});
      assert.deepEqual(
        items.map(({ name, location, sources, problem }) => [name, location, sources.length, problem === null]),
        [
          ['a', 'store', 1, true],
          ['b', 'store', 0, false],
          ['c', 'store', 1, true],
        ],
      );
      assert.match(items[1]?.problem ?? '', /^Failed to read policy b: .*\. Update Holdfast, or .*"holdfast policy edit"\.$/);
      assert.throws(() => bench.policies.describe(bench.policies.resolve('b')), { code: 'catalogDamaged' });
    }
    assert.deepEqual([bench.policies.pause('b').paused, bench.policies.resume('b').paused], [true, false]);
    assert.equal(bench.policies.delete('b', true).name, 'b');
    assert.equal(bench.policies.list({}).items.length, 2);
  });

  it('lists by pages in the order of names', async () => {
    using bench = await PolicyBench.ready();
    for (const name of ['c', 'a', 'b']) await bench.createPolicy({ name });
    const first = bench.policies.list({ limit: 2 });
    const rest = bench.policies.list({ limit: 2, ...(first.next === null ? {} : { after: first.next }) });
    assert.deepEqual(
      [...first.items, ...rest.items].map(({ name }) => name),
      ['a', 'b', 'c'],
    );
    assert.equal(rest.next, null);
  });
});
