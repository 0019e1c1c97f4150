import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { refused } from '../support/cliExpect.ts';
import { ScratchState } from '../support/daemon.ts';

const written = z.looseObject({ output: z.string(), bytes: z.int().positive(), withPaths: z.boolean() });

describe('holdfast: diagnostics', function () {
  this.timeout(30_000);

  it('go into a new file of the user’s alone, also before anything is set up; a file that is there is left alone', async () => {
    await using scratch = new ScratchState();
    const output = path.join(scratch.folder, 'diagnostics.json');
    const result = await scratch.json(written, ['diagnostics', '--output', output]);
    const text = readFileSync(output, 'utf8');
    assert.deepEqual([result.output, result.bytes, result.withPaths], [output, Buffer.byteLength(text), false]);
    assert.equal(statSync(output).mode & 0o777, 0o600);
    const document = z.looseObject({ daemon: z.looseObject({ state: z.string() }), log: z.array(z.unknown()) }).parse(JSON.parse(text));
    assert.equal(document.daemon.state, 'notSetUp');
    assert.ok(document.log.length > 0 && !text.includes(scratch.folder));
    await refused(scratch, ['diagnostics', '--output', output], 2, 'badValue');
    assert.equal(readFileSync(output, 'utf8'), text);
    await refused(scratch, ['diagnostics', '--output', path.join(scratch.folder, 'no', 'folder')], 1, 'diskFailed');
  });
});
