import assert from 'node:assert/strict';
import { array, assert as check, constantFrom, integer, oneof, property, record } from 'fast-check';
import {
  afterLook,
  afterSeeing,
  afterTaking,
  asRestored,
  mayChange,
  nothingKnown,
  type OwnershipMemory,
  ownershipState,
  type TermHead,
} from '../../../../daemon/recovery/ownership/ownershipMemory.ts';

const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const head = (n: number, byte: number): TermHead => ({ n, sha256: hash(byte) });
const taken = (n: number, byte: number): OwnershipMemory => afterTaking(nothingKnown, { ...head(n, byte), versionId: null });

describe('what a daemon remembers of who owns a location', () => {
  it('says whose it is', () => {
    const mine = taken(5, 1);
    const states: readonly (readonly [OwnershipMemory, string])[] = [
      [nothingKnown, 'unclaimed'],
      [mine, 'owner'],
      [afterSeeing(nothingKnown, head(1, 2)), 'superseded'],
      [afterSeeing(mine, head(6, 2)), 'superseded'],
      [afterSeeing(mine, head(5, 2)), 'cloned'],
      [afterSeeing(afterSeeing(mine, head(5, 2)), head(6, 3)), 'superseded'],
      [afterLook(mine, undefined, mine), 'lost'],
      [afterLook(mine, head(4, 2), mine), 'lost'],
      [afterSeeing(afterLook(mine, undefined, mine), head(6, 2)), 'superseded'],
      [asRestored(mine), 'restored'],
      [asRestored(nothingKnown), 'restored'],
      [afterSeeing(asRestored(nothingKnown), head(1, 2)), 'restored'],
      [afterTaking(asRestored(mine), { ...head(6, 3), versionId: null }), 'owner'],
    ];
    for (const [memory, state] of states) assert.equal(ownershipState(memory), state);
  });

  it('C8: does not go back to an older term, nor from another one’s to its own', () => {
    const cloned = afterSeeing(taken(5, 1), head(5, 2));
    for (const memory of [cloned, afterSeeing(taken(5, 1), head(6, 2)), afterLook(taken(5, 1), undefined, taken(5, 1))]) {
      for (const seen of [head(5, 1), head(4, 9), head(1, 9)]) {
        assert.equal(ownershipState(afterLook(memory, seen, memory)), ownershipState(memory));
        assert.deepEqual(afterSeeing(memory, seen).highest, memory.highest);
      }
    }
  });

  it('takes what a look found out before the last take for nothing', () => {
    const before = taken(5, 1);
    const after = afterTaking(before, { ...head(6, 2), versionId: null });
    assert.equal(ownershipState(afterLook(after, head(5, 1), before)), 'owner');
    assert.equal(ownershipState(afterLook(after, undefined, nothingKnown)), 'owner');
    assert.equal(ownershipState(afterLook(after, head(5, 1), after)), 'lost');
  });

  it('does not take for its own what was seen to be another one’s while it took it', () => {
    const seen = afterSeeing(nothingKnown, head(3, 7));
    assert.equal(ownershipState(afterTaking(seen, { ...head(2, 1), versionId: null })), 'superseded');
    assert.equal(ownershipState(afterTaking(seen, { ...head(3, 1), versionId: null })), 'superseded');
    assert.deepEqual(afterTaking(seen, { ...head(3, 1), versionId: null }).mine, null);
  });

  it('never lets a number fall nor an owner come back but by taking, whatever is seen in whatever order', () => {
    const event = record({
      act: constantFrom('see', 'look', 'miss', 'take', 'restore'),
      n: integer({ min: 1, max: 4 }),
      byte: integer({ min: 1, max: 3 }),
    });
    check(
      property(array(oneof(event), { maxLength: 12 }), (events) => {
        let memory = nothingKnown;
        for (const { act, n, byte } of events) {
          const before = memory;
          const own = { ...head(n, byte), versionId: null };
          if (act === 'see') memory = afterSeeing(memory, head(n, byte));
          else if (act === 'look') memory = afterLook(memory, head(n, byte), memory);
          else if (act === 'miss') memory = afterLook(memory, undefined, memory);
          else if (act === 'take') memory = afterTaking(memory, own);
          else memory = asRestored(memory);
          assert.ok((memory.highest?.n ?? 0) >= (before.highest?.n ?? 0));
          if (act !== 'take' && !mayChange(ownershipState(before))) assert.equal(mayChange(ownershipState(memory)), false);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
