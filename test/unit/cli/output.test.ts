import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { jsonText } from '../../../cli/output/json.ts';
import { progressLine } from '../../../cli/output/progressDisplay.ts';
import { noStyle, styleFor, terminalStyle } from '../../../cli/output/style.ts';
import { facts, table } from '../../../cli/output/table.ts';
import { clipped, columnsOf, escaped, quoted, shellWord } from '../../../client/shown/text.ts';
import { counted, duration, moment, number, permissions, relative, size, stamp } from '../../../client/shown/units.ts';

const plain = (text: string): string => text;
const unsafe = /[\p{Cc}\u2028-\u202e\u2066-\u2069\u200e\u200f\ufeff]|\p{Cs}/u;

describe('cli output: text of others', () => {
  it('M2: shows controls, escapes and marks of direction as escapes of their own', () => {
    const sequences: readonly (readonly [string, string])[] = [
      ['a\u001b[31mb', 'a\\x1b[31mb'],
      ['line\nfeed\r\t', 'line\\nfeed\\r\\t'],
      ['\u009b2J', '\\x9b2J'],
      ['\u202egpj.exe', '\\u202egpj.exe'],
      ['\ud800', '\\ud800'],
      ['naïve 日本 😀', 'naïve 日本 😀'],
    ];
    for (const [text, expected] of sequences) assert.equal(escaped(text), expected);
  });

  it('M2: never lets anything through that a terminal acts upon', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => assert.doesNotMatch(escaped(text), unsafe)));
  });

  it('clips in the middle', () => {
    assert.equal(clipped('abcdefghij', 5), 'ab…ij');
    assert.equal(clipped('abc', 5), 'abc');
    assert.equal(clipped('日本日本日本', 6), '日…本');
    assert.equal(clipped('😀😀😀😀', 4), '😀…');
    assert.ok(quoted('x'.repeat(10_000)).length <= 82);
  });

  it('shows a name as one word of a command, whatever is in it', () => {
    const names = ['work', 'a b', "it's", '-rf', '$(id)', 'a*', '~x', '', 'ü', 'x=1'];
    assert.deepEqual(names.map(shellWord), ['work', "'a b'", String.raw`'it'\''s'`, '-rf', "'$(id)'", "'a*'", "'~x'", "''", "'ü'", 'x=1']);
    for (const name of names) {
      if (name === '-rf' || process.platform === 'win32') continue;
      const said = spawnSync('/bin/sh', ['-c', `printf %s ${shellWord(name)}`], { encoding: 'utf8' });
      assert.equal(said.stdout, name);
    }
  });

  it('counts columns, wide characters as two and marks as none', () => {
    assert.deepEqual(['abc', 'é', 'e\u0301', '日本', '😀', '\u001b[31mred\u001b[39m'].map(columnsOf), [3, 1, 1, 4, 2, 3]);
  });
});

describe('cli output: JSON', () => {
  it('M2: is the same document, with everything escaped that a terminal acts upon', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const document = { value, text };
        const printed = jsonText(document);
        assert.deepEqual(JSON.parse(printed), JSON.parse(JSON.stringify(document)));
        assert.doesNotMatch(printed, unsafe);
      }),
    );
  });
});

describe('cli output: units', () => {
  it('shows sizes in binary units with three figures', () => {
    const cases: readonly (readonly [number, string])[] = [
      [0, '0 B'],
      [999, '999 B'],
      [1000, '0.98 KiB'],
      [1536, '1.50 KiB'],
      [10_240, '10.0 KiB'],
      [1_048_576, '1.00 MiB'],
      [123_456_789, '118 MiB'],
      [2 ** 40, '1.00 TiB'],
      [2 ** 63, '8.00 EiB'],
    ];
    for (const [bytes, expected] of cases) assert.equal(size(bytes), expected);
  });

  it('shows numbers and counts', () => {
    assert.deepEqual([0, 999, 1000, 1_234_567].map(number), ['0', '999', '1,000', '1,234,567']);
    assert.equal(counted(1, 'file'), '1 file');
    assert.equal(counted(2, 'policy', 'policies'), '2 policies');
  });

  it('shows durations in at most two units', () => {
    const cases: readonly (readonly [number, string])[] = [
      [0, '0.0 s'],
      [1.26, '1.3 s'],
      [12.4, '12 s'],
      [60, '1 min'],
      [185, '3 min 5 s'],
      [7800, '2 h 10 min'],
      [273_600, '3 d 4 h'],
    ];
    for (const [seconds, expected] of cases) assert.equal(duration(seconds), expected);
  });

  it('shows moments in local time and how long ago', () => {
    const now = new Date('2026-03-01T12:00:00Z');
    const ago = (seconds: number): string => relative(new Date(now.getTime() - seconds * 1000), now);
    assert.deepEqual([0, 30, 300, 7200, 200_000, -300].map(ago), ['just now', '30 s ago', '5 min ago', '2 h ago', '2 d ago', 'in 5 min']);
    assert.equal(moment(null, now), '-');
    assert.equal(moment('nonsense', now), 'nonsense');
    assert.equal(moment(now.toISOString(), now), `${stamp(now)} (just now)`);
  });

  it('shows modes as ls does', () => {
    assert.equal(permissions('dir', 0o750), 'drwxr-x---');
    assert.equal(permissions('file', 0o4755), '-rwsr-xr-x');
    assert.equal(permissions('file', 0o2644), '-rw-r-Sr--');
    assert.equal(permissions('dir', 0o1777), 'drwxrwxrwt');
    assert.equal(permissions('link', 0o777), 'lrwxrwxrwx');
  });
});

describe('cli output: tables', () => {
  it('aligns columns by what is seen, numbers to the right', () => {
    const lines = table(
      [{ title: 'NAME' }, { title: 'SIZE', align: 'right' }, { title: 'X' }],
      [
        ['日本', '5', 'a'],
        [terminalStyle.bold('name'), '1,000', ''],
      ],
      plain,
    );
    assert.deepEqual(lines, ['NAME   SIZE  X', '日本      5  a', '\u001b[1mname\u001b[22m  1,000']);
  });

  it('sets facts below each other', () => {
    assert.deepEqual(
      facts(
        [
          ['A', '1'],
          ['Long', '2'],
          ['', '3'],
        ],
        plain,
      ),
      ['A:     1', 'Long:  2', '       3'],
    );
  });
});

function hasColours(isTerminal: boolean, environment: Record<string, string> = {}, wanted?: boolean): boolean {
  return styleFor({ isTerminal, environment, wanted }).bold('x') !== 'x';
}

describe('cli output: colours', () => {
  it('are on a terminal only, and not with NO_COLOR, a dumb terminal or --no-color', () => {
    assert.equal(hasColours(true), true);
    assert.equal(hasColours(false), false);
    assert.equal(hasColours(true, { NO_COLOR: '1' }), false);
    assert.equal(hasColours(true, { NO_COLOR: '' }), true);
    assert.equal(hasColours(true, { TERM: 'dumb' }), false);
    assert.equal(hasColours(true, {}, false), false);
    assert.equal(hasColours(false, { NO_COLOR: '1' }, true), true);
  });
});

describe('cli output: progress line', () => {
  const progress = fc.record({
    phase: fc.string({ maxLength: 30, unit: 'binary' }),
    files: fc.nat(),
    bytes: fc.nat(),
    totalFiles: fc.option(fc.nat()),
    totalBytes: fc.option(fc.nat()),
    fraction: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    rate: fc.double({ min: 0, max: 1e12, noNaN: true }),
    secondsLeft: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })),
  });

  it('fits the terminal and is one line, whatever the daemon says', () => {
    fc.assert(
      fc.property(progress, fc.string({ maxLength: 300, unit: 'binary' }), fc.integer({ min: 20, max: 300 }), (value, label, columns) => {
        const line = progressLine({ label, phase: value.phase, progress: value, columns, style: noStyle });
        assert.ok(columnsOf(line) < columns, `${line} in ${columns}`);
        assert.doesNotMatch(line, unsafe);
      }),
    );
  });

  it('shows bar, share, files, sizes, rate and time left', () => {
    const line = progressLine({
      label: 'Backing up work',
      phase: 'reading',
      progress: {
        phase: 'reading',
        files: 1234,
        bytes: 2 ** 30,
        totalFiles: 5000,
        totalBytes: 2 ** 32,
        fraction: 0.25,
        rate: 2 ** 28,
        secondsLeft: 12.2,
      },
      columns: 140,
      style: noStyle,
    });
    assert.equal(line, 'Backing up work  ██████░░░░░░░░░░░░░░░░░░  25 %  1,234 of 5,000 files  1.00 GiB of 4.00 GiB  256 MiB/s  13 s left');
  });
});
