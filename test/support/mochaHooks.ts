import { randomInt } from 'node:crypto';
import { registerHooks } from 'node:module';
import * as fc from 'fast-check';
import { runEndings } from './servers/runEndings.ts';

const seedVariable = 'HOLDFAST_TEST_SEED';
const titleVariable = 'HOLDFAST_TEST_TITLE';

/**
 * The seed of this run: HOLDFAST_TEST_SEED, or a random one that is kept there, so that child processes and generators of a test's own
 * use the same. A whole number of 32 bits.
 */
export function testSeed(): number {
  const given = process.env[seedVariable];
  if (given !== undefined && /^-?\d+$/.test(given)) return Number(given) | 0;
  const seed = randomInt(0, 2 ** 31);
  process.env[seedVariable] = String(seed);
  return seed;
}

/** The full title of the test that runs now, as reports have it; empty outside of one. */
export function currentTestTitle(): string {
  return process.env[titleVariable] ?? '';
}

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: testSeed() });

/** Without an editor its module is what test/support/editorStub.ts says. Tests inside an extension host have the real one. */
const isInsideEditor = process.env['HOLDFAST_INSIDE'] !== undefined;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'vscode' && !isInsideEditor
      ? { url: new URL('./editorStub.ts', import.meta.url).href, format: 'module-typescript', shortCircuit: true }
      : next(specifier, context),
});

/** Root hooks, taken up by mocha's `require` and by scripts/mochaLayer.ts. */
export const mochaHooks: Mocha.RootHookObject = {
  beforeEach(this: Mocha.Context): void {
    process.env[titleVariable] = this.currentTest?.titlePath().join(' › ') ?? '';
  },
  afterEach(this: Mocha.Context): void {
    process.env[titleVariable] = '';
    if (this.currentTest?.state === 'failed') process.stderr.write(`${seedVariable}=${testSeed()} repeats it\n`);
  },
  async afterAll(): Promise<void> {
    await runEndings.run();
  },
};
