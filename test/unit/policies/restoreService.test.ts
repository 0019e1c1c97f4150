import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { RestoreJob, RestoreResult } from '../../../daemon/engine/jobs.ts';
import { RestoreReport } from '../../../daemon/engine/restore/restoreReport.ts';
import { temporaryName } from '../../../daemon/engine/restore/temporaryName.ts';
import { RestoreService } from '../../../daemon/policies/restoreService.ts';
import type { RestoreStartParams } from '../../../protocol/methods/restores.ts';
import { someAction, timeAt } from '../../support/catalog.ts';
import { newId } from '../../support/ids.ts';
import { PolicyBench } from '../../support/policyBench.ts';

const signal = new AbortController().signal;
const nothing: RestoreResult = { files: 1, bytes: 5, ...new RestoreReport().findings(), seconds: 0.123_456 };

class Bench implements Disposable {
  readonly jobs: RestoreJob[] = [];
  readonly house: PolicyBench;
  readonly service: RestoreService;
  result: RestoreResult = nothing;

  constructor(house: PolicyBench) {
    this.house = house;
    const { installation } = house.base;
    const runRestore = async (job: RestoreJob): Promise<RestoreResult> => {
      this.jobs.push(job);
      return this.result;
    };
    this.service = new RestoreService({ installation, restorePoints: house.open, runRestore });
  }

  static async ready(): Promise<Bench> {
    const house = await PolicyBench.ready();
    await house.createPolicy();
    await house.backUp('files');
    return new Bench(house);
  }

  params(changes: Partial<RestoreStartParams>): RestoreStartParams {
    const target = this.house.base.at('back');
    return { requestId: '', restorePoint: 'files', target, paths: [], conflict: 'refuse', dryRun: false, ...changes };
  }

  check(changes: Partial<RestoreStartParams>): Promise<void> {
    return this.service.check(this.house.points.resolve('files'), this.params(changes), signal);
  }

  run(changes: Partial<RestoreStartParams>): ReturnType<RestoreService['run']> {
    return this.service.run(this.house.points.resolve('files'), this.params(changes), this.house.startAction());
  }

  [Symbol.dispose](): void {
    this.house[Symbol.dispose]();
  }
}

describe('restore service', () => {
  it('takes a target that is empty or not there, and another only where a conflict mode says what to do', async () => {
    using bench = await Bench.ready();
    const target = bench.house.base.at('back');
    await bench.check({});
    mkdirSync(target);
    await bench.check({});
    writeFileSync(`${target}/mine`, 'x');
    await assert.rejects(bench.check({}), { code: 'targetNotEmpty' });
    await bench.check({ conflict: 'skip' });
    await assert.rejects(bench.check({ target: `${target}/mine` }), { code: 'badValue' });
  });

  it('takes a target with nothing in it but what an ended restore left there, and hands the engine the ids of those', async () => {
    using bench = await Bench.ready();
    const { base } = bench.house;
    const target = base.at('back');
    const { actions } = base.installation.catalog;
    const [failed, cancelled, running, whole] = [
      someAction({ kind: 'restore', state: 'failed', finishedAt: timeAt(2) }),
      someAction({ kind: 'restore', state: 'cancelled', finishedAt: timeAt(2) }),
      someAction({ kind: 'restore' }),
      someAction({ kind: 'restore', state: 'complete', finishedAt: timeAt(2) }),
    ];
    for (const action of [failed, cancelled, running, whole]) actions.insert(action, newId());
    mkdirSync(target);
    for (const { actionId } of [failed, cancelled]) writeFileSync(`${target}/${temporaryName(actionId, 1)}`, 'x');
    await bench.check({});
    for (const { actionId } of [running, whole, { actionId: newId() }]) {
      const file = `${target}/${temporaryName(actionId, 1)}`;
      writeFileSync(file, 'x');
      await assert.rejects(bench.check({}), { code: 'targetNotEmpty' });
      rmSync(file);
    }
    const run = bench.house.startAction();
    await bench.service.run(bench.house.points.resolve('files'), bench.params({}), run);
    assert.equal(bench.jobs[0]?.runId, run.actionId);
    assert.deepEqual(bench.jobs[0]?.endedRunIds, new Set([cancelled.actionId, failed.actionId]));
  });

  it('gives back all the same where the history of actions is damaged', async () => {
    using bench = await Bench.ready();
    const { catalog } = bench.house.base.installation;
    const action = someAction({ kind: 'restore', state: 'failed', finishedAt: timeAt(2) });
    catalog.actions.insert(action, newId());
    const other = new DatabaseSync(bench.house.base.at('state', 'catalog.db'));
    other.prepare("UPDATE actions SET subject = 'another' WHERE actionId = ?").run(action.actionId);
    other.close();
    assert.throws(() => catalog.actions.endedShort('restore'), { code: 'catalogDamaged' });
    await bench.check({});
    await bench.run({});
    assert.deepEqual(bench.jobs[0]?.endedRunIds, new Set());
  });

  it('refuses to write into the state directory and into a location, straight or by a link', async () => {
    using bench = await Bench.ready();
    const { base } = bench.house;
    symlinkSync(base.at('store'), base.at('link'));
    mkdirSync(base.at('stores'));
    for (const target of [base.state, `${base.state}/cache/x`, base.at('store'), base.at('store', 'a', 'b'), base.at('link', 'new')]) {
      await assert.rejects(bench.check({ target, conflict: 'overwrite' }), { code: 'refusedByRule' }, target);
    }
    await bench.check({ target: base.at('stores') });
  });

  it('M6: refuses it in place too, wherever the restore point says that it came from', async () => {
    using bench = await Bench.ready();
    const { base } = bench.house;
    rmSync(base.at('source'), { recursive: true });
    symlinkSync(base.at('store'), base.at('source'));
    await assert.rejects(bench.run({ target: null, conflict: 'overwrite' }), { code: 'refusedByRule' });
    assert.deepEqual(bench.jobs, []);
  });

  it('gives back in place what is not there any more, with no word about conflicts, and leaves what comes there meanwhile', async () => {
    using bench = await Bench.ready();
    const { base } = bench.house;
    rmSync(base.at('source'), { recursive: true });
    mkdirSync(base.at('source'));
    for (const paths of [[], ['a.txt']]) {
      await bench.check({ target: null, paths });
      await bench.run({ target: null, paths });
    }
    writeFileSync(base.at('source', 'other'), 'of today');
    await bench.check({ target: null, paths: ['a.txt'] });
    await bench.run({ target: null, paths: ['a.txt'] });
    assert.deepEqual(
      bench.jobs.map(({ conflict }) => conflict),
      ['skip', 'skip', 'skip'],
    );
  });

  it('refuses in place, without a word about conflicts, where something is there: by its name, with the ways out', async () => {
    using bench = await Bench.ready();
    const source = bench.house.base.at('source');
    mkdirSync(source, { recursive: true });
    writeFileSync(`${source}/a.txt`, 'of today');
    for (const [paths, reason] of [
      [['a.txt'], `${source}/a.txt is there already`],
      [[], `${source} is not empty`],
    ] as const) {
      const expected = {
        code: 'targetNotEmpty',
        message: `Failed to restore in place: ${reason}.`,
        fix: /--conflict skip .*overwrite.*rename/u,
      };
      await assert.rejects(bench.check({ target: null, paths }), expected);
      await assert.rejects(bench.run({ target: null, paths }), expected);
      await bench.check({ target: null, paths, conflict: 'overwrite' });
    }
    assert.deepEqual(bench.jobs, []);
  });

  it('refuses a path that is not in the restore point before any work', async () => {
    using bench = await Bench.ready();
    await bench.check({ paths: ['a.txt'] });
    await assert.rejects(bench.check({ paths: ['a.txt', 'b.txt'] }), { code: 'unknownName' });
    assert.deepEqual(bench.jobs, []);
  });

  it('hands single paths on as bytes, everything as no selection, and in-place as where it came from', async () => {
    using bench = await Bench.ready();
    await bench.run({ paths: ['a.txt'] });
    await bench.run({});
    await bench.run({ target: null, conflict: 'overwrite' });
    const [one, all, inPlace] = bench.jobs;
    assert.deepEqual([...(one?.selection?.values() ?? [])].flat(), [Buffer.from('a.txt')]);
    assert.equal(all?.selection, undefined);
    assert.equal(all?.targets[0]?.folder, bench.house.base.at('back'));
    assert.equal(inPlace?.targets[0]?.folder, bench.house.base.at('source'));
  });

  it('ends as damaged where anything is, with warnings where anything was left alone, else well', async () => {
    using bench = await Bench.ready();
    const ended = async (fill: (report: RestoreReport) => void): Promise<unknown> => {
      const report = new RestoreReport();
      fill(report);
      bench.result = { ...nothing, ...report.findings() };
      const { outcome, error, document } = await bench.run({});
      return [outcome, error?.code, document['outcome'], document['seconds']];
    };
    const withWarnings = ['completeWithWarnings', 'completedWithWarnings', 'completeWithWarnings', 0.123];
    assert.deepEqual(await ended(() => undefined), ['complete', undefined, 'complete', 0.123]);
    assert.deepEqual(await ended((report) => report.skip('a', 'it is there already', false)), withWarnings);
    assert.deepEqual(await ended((report) => report.warn('a is restored, but its owner was not set.')), withWarnings);
    assert.deepEqual(await ended((report) => report.damage('a', 'a chunk is missing')), ['failed', 'damaged', 'damaged', 0.123]);
    assert.deepEqual(await ended((report) => report.skip('a', 'it is a FIFO', true)), ['complete', undefined, 'complete', 0.123]);
  });
});
