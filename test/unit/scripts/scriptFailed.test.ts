import assert from 'node:assert/strict';
import { ScriptFailed } from '../../../scripts/scriptFailed.ts';

describe('a script that cannot go on', () => {
  for (const [output, message] of [
    ['Not possible.\n', 'Failed to pack it: Not possible.'],
    ['Packing\nERROR  There is no disk\n  at pack (pack.js:1)\n', 'Failed to pack it: ERROR  There is no disk.'],
    ['\n \n', 'Failed to pack it: it said nothing.'],
  ] as const) {
    it(`says in a sentence: ${message}`, () => {
      const error = new ScriptFailed('pack it', output);
      assert.equal(error.message, message);
      assert.equal(error.cause, output);
    });
  }

  it('says of a long story a part', () => assert.ok(new ScriptFailed('pack it', 'x'.repeat(100_000)).message.length < 400));
});
