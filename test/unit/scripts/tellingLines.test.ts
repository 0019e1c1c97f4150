import assert from 'node:assert/strict';
import { tellingLines } from '../../../scripts/tellingLines.ts';

describe('telling lines of a log', () => {
  it('are its errors and what names the extension, in the order of the log, without what a window that closes gives up', () => {
    const log = [
      'info something started',
      'error Cannot find module',
      '    at somewhere',
      'warning an error in the middle',
      'info Activating Holdfast.holdfast failed',
      "error Unable to read file 'extensions.json' (Canceled: Canceled)",
      '',
    ];
    assert.deepEqual(tellingLines(log.join('\r\n')), ['error Cannot find module', 'info Activating Holdfast.holdfast failed']);
    assert.deepEqual(tellingLines(''), []);
  });

  it('are the last twenty, of 200 characters at most', () => {
    const lines = Array.from({ length: 30 }, (_, number) => `error ${number} ${'x'.repeat(300)}`);
    const told = tellingLines(lines.join('\n'));
    assert.deepEqual(
      told.map((line) => line.split(' ')[1]),
      Array.from({ length: 20 }, (_, number) => String(number + 10)),
    );
    assert.ok(told.every((line) => line.length === 200));
  });
});
