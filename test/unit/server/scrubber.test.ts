import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Scrubber } from '../../../daemon/server/diagnostics/scrubber.ts';

const strict = new Scrubber({ withPaths: false, commands: ['pg_dump --password canary shop', 'pg_dump'] });
const open = new Scrubber({ withPaths: true, commands: ['pg_dump --password canary shop', 'pg_dump'] });

describe('scrubber of diagnostics', () => {
  it('leaves nothing of a path in a sentence, whatever its name holds, and keeps the reason behind it', () => {
    const shown: readonly (readonly [text: string, expected: string])[] = [
      ['Failed to back up: it was cancelled.', 'Failed to back up: it was cancelled.'],
      ['Failed to read /home/ann/my secret plans: EACCES.', 'Failed to read <path>: EACCES.'],
      ['Failed to read "/home/ann/a: b/c": EACCES.', 'Failed to read <path>: EACCES.'],
      ['Failed to read C:\\Users\\ann\\plans.txt: it is gone.', 'Failed to read <path>: it is gone.'],
      ['Failed to restore into /a: it lies in /b, which is ours.', 'Failed to restore into <path>'],
      ['It is in notes/plans', 'It is in <path>'],
    ];
    for (const [text, expected] of shown) assert.equal(strict.sentence(text), expected);
    assert.equal(open.sentence('Failed to read /home/ann/x: EACCES.'), 'Failed to read /home/ann/x: EACCES.');
  });

  it('K6: takes known command lines out of every text, with paths and without', () => {
    for (const scrubber of [strict, open]) {
      const text = JSON.stringify([
        scrubber.sentence('The hook failed: pg_dump --password canary shop: status 1.'),
        scrubber.facts({ deep: [{ reason: 'ran pg_dump --password canary shop' }], anything: 'pg_dump --password canary shop' }),
        scrubber.facts({ command: 'other --password canary', hook: { command: 'canary' }, standardError: 'canary', output: ['canary'] }),
      ]);
      assert.ok(!text.includes('canary'), text);
    }
  });

  it('keeps of log lines what is a number, a truth value, an id, a time or one word', () => {
    const facts = {
      pid: 7,
      isLast: true,
      nothing: null,
      actionId: '0b1c2d3e-0000-4000-8000-000000000000',
      at: '2026-01-02T03:04:05.678Z',
      code: 'EACCES',
      path: '/home/ann/x',
      name: 'my secret plans',
      error: { code: 'failed', message: 'Failed to read /home/ann/x: EACCES.' },
    };
    assert.deepEqual(strict.facts(facts), {
      ...facts,
      path: '<text>',
      name: '<text>',
      error: { code: 'failed', message: 'Failed to read <path>: EACCES.' },
    });
    assert.deepEqual(open.facts(facts), facts);
  });

  it('never lets a path through, wherever it stands and whatever stands around it', () => {
    const name = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(name, name, fc.string(), (first, second, reason) => {
        const path = `/canary/${first}/canary${second}`;
        for (const text of [`Failed to read ${path}: ${reason}`, path, `x ${path} ${path}: y`]) {
          assert.ok(!strict.sentence(text).includes('canary'), text);
          assert.ok(!JSON.stringify(strict.facts({ a: text, message: text, deep: [{ reason: text }] })).includes('canary'), text);
        }
      }),
    );
  });
});
