import assert from 'node:assert/strict';
import { type CaseResult, commandRows, idsOf, threatIds, threatRows, verbRows } from '../../../scripts/testReport.ts';
import { verbOf, verbs } from '../../support/verbs.ts';

function one(ids: readonly string[], state: CaseResult['state']): CaseResult {
  return { title: 't', ids, state, seconds: 0 };
}

describe('the account at the end of a test run', () => {
  it('reads ids at the front of a title and nowhere else', () => {
    const table: readonly (readonly [readonly string[], readonly string[]])[] = [
      [['C5: a flipped bit is found'], ['C5']],
      [['M3 M5: claims are capped'], ['M3', 'M5']],
      [['X1, X4: killed and full'], ['X1', 'X4']],
      [
        ['W10: a thousand reconnects', 'C5: inside'],
        ['W10', 'C5'],
      ],
      [['C5: outer', 'C5: inner'], ['C5']],
      [['opens what C5: names'], []],
      [['SHA256: not an id'], []],
      [['C5 without a colon'], []],
    ];
    for (const [titles, ids] of table) assert.deepEqual(idsOf(titles), ids, titles.join(' › '));
  });

  it('counts cases that ran, with the seeds of their runs, and no skipped ones', () => {
    const rows = threatRows([
      { seed: 1, cases: [one(['C5'], 'passed'), one(['C5', 'C6'], 'failed'), one(['C7'], 'skipped')] },
      { seed: 2, cases: [one(['C5'], 'passed')] },
    ]);
    const row = (id: string): unknown => rows.find((each) => each.id === id);
    assert.deepEqual(row('C5'), { id: 'C5', cases: 3, seeds: [1, 2] });
    assert.deepEqual(row('C6'), { id: 'C6', cases: 1, seeds: [1] });
    assert.deepEqual(row('C7'), { id: 'C7', cases: 0, seeds: [] });
    assert.equal(rows.length, threatIds.length);
  });

  it('counts the tests that called a verb, not the calls, and none that was told that its call is wrong', () => {
    const calls = [
      { verb: 'init', status: 0, test: 'a' },
      { verb: 'init', status: 0, test: 'a' },
      { verb: 'init', status: 3, test: 'b' },
      { verb: 'lock', status: 2, test: 'a' },
      { verb: 'serve', status: null, test: 'a' },
    ];
    assert.deepEqual(verbRows(['init', 'lock', 'serve', 'stop'], calls), [
      { verb: 'init', tests: 2 },
      { verb: 'lock', tests: 0 },
      { verb: 'serve', tests: 1 },
      { verb: 'stop', tests: 0 },
    ]);
  });

  it('counts the passed tests that ran a command, not its runs; none outside of a test, and none that hands over hostile arguments', () => {
    const reports = [
      {
        seed: 1,
        cases: [
          { ...one([], 'passed'), title: 'a' },
          { ...one([], 'failed'), title: 'b' },
        ],
      },
      {
        seed: 1,
        cases: [
          { ...one([], 'passed'), title: 'c' },
          { ...one(['V4'], 'passed'), title: 'd' },
        ],
      },
    ];
    const runs = [
      { command: 'lock', test: 'a' },
      { command: 'lock', test: 'a' },
      { command: 'lock', test: 'c' },
      { command: 'unlock', test: 'b' },
      { command: 'unlock', test: 'd' },
      { command: 'setUp', test: '' },
    ];
    assert.deepEqual(commandRows(['lock', 'unlock', 'setUp'], runs, reports), [
      { command: 'lock', tests: 2 },
      { command: 'unlock', tests: 0 },
      { command: 'setUp', tests: 0 },
    ]);
  });

  it('finds the verb of a call, through aliases and around flags', () => {
    const table: readonly (readonly [string, string | undefined])[] = [
      ['init --json', 'init'],
      ['--state /s --json rp list', 'restore-point list'],
      ['loc add filesystem init --path lock', 'location add filesystem'],
      ['passkey add passphrase new', 'passkey add passphrase'],
      ['passkey add aws-kms new', 'passkey add aws-kms'],
      ['passkey add azure-key-vault new', undefined],
      ['backup --all', 'backup'],
      ['restore latest --target /t', 'restore'],
      ['policy list --help', undefined],
      ['polcy list', undefined],
      ['--version', undefined],
    ];
    for (const [call, verb] of table) assert.equal(verbOf(call.split(' ')), verb, call);
    for (const verb of verbs) assert.equal(verbOf([...verb.split(' '), 'NAME', '--json']), verb);
  });
});
