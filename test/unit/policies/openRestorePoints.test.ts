import assert from 'node:assert/strict';
import { cpSync, renameSync } from 'node:fs';
import { RestorePointContents } from '../../../daemon/policies/restorePointContents.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { PolicyBench } from '../../support/policyBench.ts';

const signal = new AbortController().signal;

async function readable(bench: PolicyBench, reference: string): Promise<string> {
  bench.open.clear();
  const { reader } = await bench.open.open(bench.points.resolve(reference), signal);
  return (await new RestorePointContents(reader).locate('a.txt', signal))?.entry.kind ?? '';
}

describe('open restore points', () => {
  it('reads from a copy of the store once the location is said to lie there; a location of its own the copy cannot be', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    await bench.backUp('files');
    cpSync(bench.base.at('store'), bench.base.at('copy'), { recursive: true });
    await assert.rejects(bench.base.addLocation('copy'), HoldfastError);
    renameSync(bench.base.at('store'), bench.base.at('unplugged'));
    await assert.rejects(readable(bench, 'files'), { code: 'storeUnreachable' });
    const saved = await bench.base.installation.locations.edit({ location: 'store', path: bench.base.at('copy') }, signal);
    assert.notEqual(saved.location, null);
    assert.equal(await readable(bench, 'files'), 'file');
  });

  it('says that the location was removed, and reads on once a location with that store is added', async () => {
    using bench = await PolicyBench.ready();
    const { policyId } = await bench.createPolicy();
    const { id } = await bench.point('files');
    bench.policies.delete(policyId, true);
    bench.base.installation.locations.remove('store', true);
    await assert.rejects(readable(bench, id), { code: 'unknownName' });
    await bench.base.addLocation('store');
    assert.equal(await readable(bench, id), 'file');
  });

  it('gives the same reader again and again until it is cleared, and none while locked', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const point = await bench.point('files');
    const first = await bench.open.open(point, signal);
    assert.equal(await bench.open.open(point, signal), first);
    bench.open.clear();
    assert.notEqual(await bench.open.open(point, signal), first);
    bench.open.clear();
    bench.base.installation.lock();
    await assert.rejects(bench.open.open(point, signal), { code: 'locked' });
  });

  it('C8: refuses a manifest that is not the one that was acknowledged', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const first = await bench.point('files');
    const second = await bench.point('files', { tree: { b: 'B' } });
    await assert.rejects(bench.open.open({ ...second, sha256: first.sha256 }, signal), { code: 'damaged' });
    await assert.rejects(bench.open.open({ ...second, manifestKey: first.manifestKey }, signal), { code: 'damaged' });
  });
});
