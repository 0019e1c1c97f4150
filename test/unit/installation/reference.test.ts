import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { resolveReference } from '../../../daemon/installation/reference.ts';

const things = [
  { id: 'aaaa1111-0000-4000-8000-000000000001', name: 'home' },
  { id: 'aaaa2222-0000-4000-8000-000000000002', name: 'work' },
  { id: 'bbbb0000-0000-4000-8000-000000000003', name: 'aaaa1' },
];

describe('reference to a thing', () => {
  it('takes an exact name before an id, and a unique prefix of an id', () => {
    assert.equal(resolveReference('policy', 'home', things).name, 'home');
    assert.equal(resolveReference('policy', 'aaaa1', things).name, 'aaaa1');
    assert.equal(resolveReference('policy', 'aaaa2222-0000-4000-8000-000000000002', things).name, 'work');
    assert.equal(resolveReference('policy', 'aaaa2', things).name, 'work');
  });

  it('refuses a prefix that several ids share, and one too short to be meant', () => {
    assert.throws(() => resolveReference('policy', 'aaaa', things), { code: 'ambiguousName' });
    assert.throws(() => resolveReference('policy', 'bbb', things), { code: 'unknownName' });
  });

  it('offers the name that comes nearest', () => {
    assert.throws(() => resolveReference('policy', 'hmoe', [{ id: 'x', name: 'home2' }]), { code: 'unknownName', fix: /list/ });
    assert.throws(() => resolveReference('policy', 'wrok', things), { code: 'unknownName' });
    assert.throws(() => resolveReference('policy', 'hom', things), { fix: 'Did you mean "home"?' });
  });
});
