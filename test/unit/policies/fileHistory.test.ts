import assert from 'node:assert/strict';
import { fileHistory } from '../../../daemon/policies/fileHistory.ts';
import type { FileVersion } from '../../../protocol/methods/restorePoints.ts';
import { PolicyBench } from '../../support/policyBench.ts';

const signal = new AbortController().signal;

async function history(bench: PolicyBench, name: string, limit?: number): Promise<readonly FileVersion[]> {
  const path = `${bench.base.at('source')}/${name}`;
  const found: FileVersion[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const more = { ...(limit === undefined ? {} : { limit }), ...(after === undefined ? {} : { after }) };
    const page = await fileHistory(bench.catalog, bench.open, { path, ...more }, signal);
    found.push(...page.items);
    after = page.next;
  }
  return found;
}

describe('history of a file', () => {
  it('names each version by the first restore point that has it so, newest first', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const points = [];
    for (const tree of [{ a: '1' }, { a: '1', b: 'x' }, { a: '2' }, {}, { a: '2' }]) {
      bench.base.now = new Date(bench.base.now.getTime() + 60_000);
      points.push(await bench.point('files', { tree }));
    }
    const versions = await history(bench, 'a');
    assert.deepEqual(
      versions.map(({ change, restorePointId }) => [change, restorePointId]),
      [
        ['added', points[4]?.id],
        ['removed', points[3]?.id],
        ['modified', points[2]?.id],
        ['added', points[0]?.id],
      ],
    );
    for (const limit of [1, 2, 3]) assert.deepEqual(await history(bench, 'a', limit), versions);
  });

  it('F1: keeps the order of the runs where the clock stood still or was set back', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const times = [
      '2026-05-01T12:00:00.000Z',
      '2026-05-01T12:00:00.000Z',
      '2026-05-01T09:00:00.000Z',
      '2036-01-01T00:00:00.000Z',
      '2026-05-01T12:00:01.000Z',
    ];
    const points = [];
    for (const [index, finished] of times.entries()) points.push(await bench.point('files', { tree: { a: `${index}` }, finished }));
    assert.deepEqual(
      (await history(bench, 'a')).map(({ restorePointId }) => restorePointId),
      points.toReversed().map(({ id }) => id),
    );
  });

  it('mingles the versions of several policies by time, and leaves retired restore points out', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    await bench.createPolicy({ name: 'others' });
    const one = await bench.point('files', { tree: { a: '1' }, finished: '2026-05-01T01:00:00.000Z' });
    const two = await bench.point('others', { tree: { a: '2' }, finished: '2026-05-01T02:00:00.000Z' });
    const three = await bench.point('files', { tree: { a: '3' }, finished: '2026-05-01T03:00:00.000Z' });
    const ids = async (): Promise<readonly string[]> => (await history(bench, 'a')).map(({ restorePointId }) => restorePointId);
    assert.deepEqual(await ids(), [three.id, two.id, one.id]);
    bench.points.retire(three.id, true);
    assert.deepEqual(await ids(), [two.id, one.id]);
  });

  it('says that nothing protects a path that no source contains', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    await bench.point('files');
    const nowhere = fileHistory(bench.catalog, bench.open, { path: '/nowhere/a' }, signal);
    await assert.rejects(nowhere, { code: 'unknownName' });
    await assert.rejects(fileHistory(bench.catalog, bench.open, { path: `${bench.base.at('source')}/a`, after: 'x' }, signal), {
      code: 'badValue',
    });
  });
});
