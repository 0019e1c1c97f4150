import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { problemChoices, twoLines } from '../../../../extension/forms/sentences.ts';

describe('sentences in a pick', () => {
  it('lose nothing but the space between their two lines', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, maxLength: 30 }).filter((word) => !/\s/.test(word))), (words) => {
        const text = words.join(' ');
        const { label, detail } = twoLines(text);
        assert.ok(label.length <= 84);
        const whole = detail === undefined ? label : `${label} ${detail}`;
        assert.equal(whole, text);
      }),
    );
  });

  it('are parted inside a word where that is longer than a line', () => {
    const { label, detail } = twoLines('x'.repeat(100));
    assert.equal(label.length, 84);
    assert.equal(detail?.length, 16);
  });

  it('tell a problem and its way out, and the problem alone where there is none', () => {
    assert.deepEqual(problemChoices({ message: 'It failed.', fix: 'Try again.' }, 'error', 1), [
      { label: 'It failed.', icon: 'error', value: 1 },
      { label: 'Try again.', icon: 'lightbulb', value: 1 },
    ]);
    assert.equal(problemChoices({ message: 'It failed.', fix: null }, 'error', 1).length, 1);
    assert.equal(problemChoices({ message: 'It failed.' }, 'error', 1).length, 1);
  });
});
