import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runWith } from './fakeHost.ts';

describe('cli help', () => {
  for (const [file, args] of [
    ['help.txt', ['--help']],
    ['helpRestore.txt', ['restore', '--help']],
    ['helpPolicy.txt', ['help', 'policy']],
  ] as const) {
    it(`prints "${args.join(' ')}" as test/unit/cli/golden/${file} has it`, async () => {
      const { status, out, err } = await runWith(args);
      assert.equal(status, 0);
      assert.equal(err, '');
      assert.equal(out, readFileSync(path.join(import.meta.dirname, 'golden', file), 'utf8'));
    });
  }

  it('shows titles in bold on a terminal only', async () => {
    assert.ok((await runWith(['--help'], { isOutTerminal: true })).out.includes('\u001b[1mUsage:\u001b[22m'));
    assert.ok(!(await runWith(['--help'], { isOutTerminal: true, environment: { NO_COLOR: '1' } })).out.includes('\u001b'));
  });
});
