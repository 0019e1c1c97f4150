import assert from 'node:assert/strict';
import { counted, number, shellWord } from '../../../protocol/wording.ts';

describe('wording', () => {
  it('counts one thing and many', () => {
    assert.deepEqual(
      [counted(1, 'pack'), counted(0, 'pack'), counted(12_345, 'entry', 'entries')],
      ['1 pack', '0 packs', '12,345 entries'],
    );
    assert.equal(number(1_234_567), '1,234,567');
  });

  it('puts into quotation marks what a shell would take apart', () => {
    assert.deepEqual(['work', 'a b', "it's", '$(id)', ''].map(shellWord), ['work', "'a b'", String.raw`'it'\''s'`, "'$(id)'", "''"]);
  });
});
