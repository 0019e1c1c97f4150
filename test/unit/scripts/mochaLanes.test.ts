import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { batchesOf, runMochaLanes } from '../../../scripts/mochaLanes.ts';
import { root } from '../../../scripts/run.ts';

const sources = ['run', 'mochaRun', 'mochaBatch', 'mochaLanes', 'testReport', 'check', 'build', 'test'].map((name) =>
  name === 'build' ? 'scripts/build.mjs' : `scripts/${name}.ts`,
);

function together(file: string): boolean {
  return file.includes('mocha');
}

describe('the lanes of a layer', () => {
  it('give every file to one process, what shares a server to the same, and are the same each time', () => {
    for (const filesOfBatch of [1, 2, 3, 100]) {
      const batches = batchesOf({ files: sources, filesOfBatch, together });
      assert.deepEqual(batches.flat().toSorted(), sources.toSorted());
      assert.deepEqual(batches[0]?.toSorted(), sources.filter(together).toSorted());
      assert.ok(batches.slice(1).every((batch) => batch.length > 0 && batch.length <= filesOfBatch));
      assert.deepEqual(batchesOf({ files: sources.toReversed(), filesOfBatch, together }).flat().toSorted(), sources.toSorted());
    }
    assert.deepEqual(batchesOf({ files: [], filesOfBatch: 3 }), []);
  });

  it('report a file that fails, one that ends its process and one that breaks behind its tests, with the seed and a folder for each lane', async function () {
    this.timeout(60_000);
    const folder = mkdtempSync(path.join(tmpdir(), 'hf-lanes-'));
    try {
      const texts = {
        good: `it('is good in ' + path.basename(process.env.TMPDIR), () => assert.equal(process.env.HOLDFAST_TEST_SEED, '7'));`,
        bad: `it('S1: is bad', () => assert.ok(false)); it.skip('is skipped');`,
        ending: `it('ends everything', () => process.exit(0));`,
        breaking: `it('is good at first', () => undefined); process.once('exit', () => { process.exitCode = 3; });`,
      };
      const files = Object.entries(texts).map(([name, text]) => {
        const file = path.join(folder, `${name}.test.mjs`);
        writeFileSync(file, `import assert from 'node:assert/strict';\nimport path from 'node:path';\n${text}\n`);
        return path.relative(root, file);
      });
      const said: string[] = [];
      const { report, times } = await runMochaLanes({
        files,
        filesOfBatch: 1,
        scratch: folder,
        environment: { HOLDFAST_TEST_SEED: '7', HOLDFAST_TEST_GREP: undefined, CI: undefined },
        seed: 7,
        limit: 60_000,
        say: (text) => void said.push(text),
        signal: new AbortController().signal,
      });
      const states = report.cases.map(({ title, state, ids }) => `${state} ${title.replace(folder, '')} ${ids.join(' ')}`.trimEnd());
      assert.equal(states.length, 6, states.join('\n'));
      assert.ok(states.some((state) => /^passed is good in [12]$/.test(state)));
      for (const state of ['failed S1: is bad S1', 'skipped is skipped', 'passed is good at first'])
        assert.ok(states.includes(state), state);
      assert.ok(states.some((state) => /^failed \S*ending\.test\.mjs ended without a report$/.test(state)));
      assert.ok(states.some((state) => /^failed \S*breaking\.test\.mjs broke outside of every test$/.test(state)));
      assert.equal(report.seed, 7);
      assert.equal(times.length, files.length);
      assert.ok(said.some((text) => text.includes('FAILED S1: is bad')));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('say that they were ended where files did not get their turn', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'hf-lanes-'));
    try {
      const { report } = await runMochaLanes({
        files: ['test/unit/scripts/testReport.test.ts'],
        filesOfBatch: 1,
        scratch: folder,
        environment: {},
        seed: 7,
        limit: 60_000,
        say: () => undefined,
        signal: AbortSignal.abort(),
      });
      assert.deepEqual(
        report.cases.map(({ state }) => state),
        ['failed'],
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
