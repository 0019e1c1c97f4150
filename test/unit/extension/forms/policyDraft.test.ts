import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  changedFields,
  changesOf,
  contested,
  creationOf,
  draftOf,
  emptyDraft,
  type PolicyDraft,
  rebased,
  runsCommands,
} from '../../../../extension/forms/policyDraft.ts';
import { type Policy, policyCreate, policyEdit } from '../../../../protocol/methods/policies.ts';
import { usualRetention } from '../../../../protocol/methods/retention.ts';

const locationId = '11111111-1111-4111-8111-111111111111';
const otherLocation = { id: '33333333-3333-4333-8333-333333333333', name: 'other' };

const policy: Policy = {
  policyId: '22222222-2222-4222-8222-222222222222',
  name: 'work',
  sources: [{ kind: 'folder', path: '/home/me/work', sourceId: '44444444-4444-4444-8444-444444444444' }],
  location: 'disk',
  locationId,
  paused: false,
  createdAt: '2026-01-02T03:04:05Z',
  nextRunAt: null,
  lastRun: null,
  restorePoints: 3,
  problem: null,
  imported: null,
  exclude: ['node_modules'],
  gitignore: true,
  oneFileSystem: false,
  includeCaches: false,
  maxFileSize: null,
  schedule: '@daily',
  keep: usualRetention,
  before: { command: 'true', timeLimit: 60 },
  after: null,
  readLimit: null,
  lowPriority: false,
};

const changes: readonly (readonly [string, Partial<PolicyDraft>, object])[] = [
  ['name', { name: 'play' }, { name: 'play' }],
  ['sources', { sources: [{ kind: 'folder', path: '/srv' }] }, { sources: [{ kind: 'folder', path: '/srv' }] }],
  ['location', { location: otherLocation }, { location: otherLocation.id }],
  ['schedule', { schedule: null }, { schedule: null }],
  ['keep', { keep: { ...usualRetention, daily: 5 } }, { keep: { ...usualRetention, daily: 5 } }],
  ['exclude', { exclude: [] }, { exclude: [] }],
  ['gitignore', { gitignore: false }, { gitignore: false }],
  ['oneFileSystem', { oneFileSystem: true }, { oneFileSystem: true }],
  ['includeCaches', { includeCaches: true }, { includeCaches: true }],
  ['maxFileSize', { maxFileSize: 1024 }, { maxFileSize: 1024 }],
  ['before', { before: null }, { before: null }],
  ['after', { after: { command: 'sync', timeLimit: 5 } }, { after: { command: 'sync', timeLimit: 5 } }],
  ['readLimit', { readLimit: 1_000_000 }, { readLimit: 1_000_000 }],
  ['lowPriority', { lowPriority: true }, { lowPriority: true }],
];

describe('a policy as a form has it', () => {
  const before = draftOf(policy);

  it('is what the policy is, and nothing of it is a change', () => {
    assert.deepEqual(changesOf(before, draftOf({ ...policy, paused: true, restorePoints: 9 })), {});
    assert.deepEqual(before.sources, [{ kind: 'folder', path: '/home/me/work' }]);
  });

  for (const [field, part, params] of changes) {
    it(`sends ${field} alone where that was changed`, () => {
      const after = { ...before, ...part };
      assert.deepEqual(changedFields(before, after), [field]);
      assert.deepEqual(changesOf(before, after), params);
      assert.ok(policyEdit.params.safeParse({ policy: policy.policyId, ...changesOf(before, after) }).success);
    });
  }

  it('sends every change of several and no other field', () => {
    fc.assert(
      fc.property(fc.subarray([...changes]), (chosen) => {
        const after: PolicyDraft = chosen.reduce((draft, [, part]) => ({ ...draft, ...part }), before);
        assert.deepEqual(Object.keys(changesOf(before, after)).toSorted(), chosen.map(([field]) => field).toSorted());
      }),
    );
  });

  it('is no change where the location was only renamed', () => {
    assert.deepEqual(changesOf(before, draftOf({ ...policy, location: 'renamed' })), {});
  });

  it('keeps what somebody else changed meanwhile, and names what both changed', () => {
    const draft = { ...before, gitignore: false, schedule: '@weekly', keep: null };
    const now = draftOf({ ...policy, schedule: '@hourly', exclude: ['dist'], keep: null });
    assert.deepEqual(contested(draft, before, now), ['schedule']);
    const merged = rebased(draft, before, now);
    assert.deepEqual(merged, { ...now, gitignore: false, schedule: '@weekly' });
    assert.deepEqual(changesOf(now, merged), { gitignore: false, schedule: '@weekly' });
  });

  it('can be created once it has a name, a source and a location', () => {
    const whole: PolicyDraft = {
      ...emptyDraft,
      name: 'work',
      sources: [{ kind: 'folder', path: '/work' }],
      location: { id: locationId, name: 'disk' },
    };
    const params = creationOf(whole);
    assert.ok(policyCreate.params.safeParse(params).success);
    assert.deepEqual(params?.keep, usualRetention);
    for (const missing of [{ name: '' }, { sources: [] }, { location: undefined }])
      assert.equal(creationOf({ ...whole, ...missing }), undefined);
  });

  it('V3: says whether it runs commands', () => {
    assert.equal(runsCommands(emptyDraft), false);
    assert.equal(runsCommands({ before: { command: 'x', timeLimit: 1 } }), true);
    assert.equal(runsCommands({ after: { command: 'x', timeLimit: 1 } }), true);
    assert.equal(runsCommands({ before: null, sources: [{ kind: 'folder', path: '/work' }] }), false);
  });
});
