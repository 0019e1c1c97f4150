import assert from 'node:assert/strict';
import { absolute } from '../../../../extension/forms/folderStep.ts';
import { protecting } from '../../../../extension/forms/policy/protecting.ts';
import type { NewSource, Policy } from '../../../../protocol/methods/policies.ts';
import { usualRunRules, usualSourceRules } from '../../../../protocol/methods/policies.ts';

const id = '11111111-1111-4111-8111-111111111111';

function policyOf(...sources: readonly NewSource[]): Policy {
  return {
    ...usualSourceRules,
    ...usualRunRules,
    policyId: id,
    name: 'work',
    sources: sources.map((source) => ({ ...source, sourceId: id })),
    location: 'disk',
    locationId: id,
    paused: false,
    createdAt: '2026-01-02T03:04:05Z',
    nextRunAt: null,
    lastRun: null,
    restorePoints: 0,
    problem: null,
    imported: null,
  };
}

describe('the policies that protect a folder', () => {
  for (const [source, folder, isProtected] of [
    ['/home/me', '/home/me', true],
    ['/home/me', '/home/me/', true],
    ['/home/me', '/home/me/work/deep', true],
    ['/home/me/work', '/home/me', false],
    ['/home/me', '/home/me2', false],
    ['/home/me', '/home/..me', false],
    ['/home', '/home/..me', true],
    ['/', '/anything', true],
  ] as const) {
    it(`${isProtected ? 'are' : 'are not'} those of ${source} for ${folder}`, () => {
      assert.equal(protecting([policyOf({ kind: 'folder', path: source })], folder).length, isProtected ? 1 : 0);
    });
  }

  it('are not those that only run a command', () => {
    assert.deepEqual(protecting([policyOf({ kind: 'command', name: 'x', command: 'true' })], '/home/me'), []);
  });
});

describe('a typed folder', () => {
  for (const [typed, folder] of [
    ['/a/b', '/a/b'],
    [' /a/../b/ ', '/b'],
    ['~', process.env['HOME'] ?? ''],
    ['a/b', undefined],
    ['', undefined],
    ['/a\0b', undefined],
    ['~other/x', undefined],
  ] as const) {
    it(`is ${folder === undefined ? 'none' : 'absolute'} for ${JSON.stringify(typed)}`, () => assert.equal(absolute(typed), folder));
  }
});
