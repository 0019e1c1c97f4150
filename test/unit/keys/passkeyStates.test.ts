import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import {
  type PasskeyStep,
  type RetirablePasskey,
  slotsOfKeyring,
  stepsToAdd,
  stepsToRetire,
  stepsToRotate,
  stepsToUse,
} from '../../../daemon/keys/passkeyStates.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { idOf, type SlotId } from '../../../protocol/ids.ts';
import type { PasskeyState } from '../../../protocol/methods/passkeys.ts';

function newPasskey(state: PasskeyState, inUse = false): RetirablePasskey {
  const slotId = idOf<SlotId>(randomUUID());
  return { slotId, name: slotId.slice(0, 8), state, inUse, isLeftOut: false, outsideKey: undefined };
}

/** What is on disk: the catalog's rows, and the slots of the newest keyring in the store. */
interface Disk {
  readonly passkeys: readonly RetirablePasskey[];
  readonly keyring: readonly SlotId[];
}

function diskOf(passkeys: readonly RetirablePasskey[]): Disk {
  return { passkeys, keyring: slotsOfKeyring(passkeys) };
}

function applied({ passkeys, keyring }: Disk, step: PasskeyStep): Disk {
  const change = (slotId: SlotId, to: Partial<RetirablePasskey>): Disk => ({
    passkeys: passkeys.map((passkey) => (passkey.slotId === slotId ? { ...passkey, ...to } : passkey)),
    keyring,
  });
  switch (step.step) {
    case 'record':
      return { passkeys: [...passkeys, { ...newPasskey('unverified'), slotId: step.slotId }], keyring };
    case 'publish':
      return { passkeys, keyring: step.slotIds };
    case 'verify':
      assert.ok(keyring.includes(step.slotId), 'what is verified was published');
      return change(step.slotId, { state: 'ready' });
    case 'takeBack':
      return change(step.slotId, { isLeftOut: false });
    case 'takeOver':
      return { passkeys, keyring };
    case 'use':
      return { passkeys: passkeys.map((passkey) => ({ ...passkey, inUse: passkey.slotId === step.slotId })), keyring };
    case 'retire':
      return change(step.slotId, { state: 'retired' });
  }
}

/** True of every state that a crash may leave behind. `takenBack`: nothing relies on it before it is published. */
function assertIsSafe({ passkeys, keyring }: Disk, takenBack?: SlotId): void {
  const opening = passkeys.filter(({ state, slotId, isLeftOut }) => state === 'ready' && !isLeftOut && keyring.includes(slotId));
  assert.ok(opening.length > 0, 'a verified slot is in the keyring of the store');
  const inUse = passkeys.filter((passkey) => passkey.inUse);
  assert.equal(inUse.length, 1, 'exactly one slot is in use');
  assert.ok(
    inUse.every(({ state, slotId }) => state === 'ready' && keyring.includes(slotId)),
    'the slot in use opens',
  );
  for (const { state, slotId, isLeftOut } of passkeys)
    if (state === 'ready' && !isLeftOut && slotId !== takenBack)
      assert.ok(keyring.includes(slotId), 'what is called ready is in the store');
}

/** A retirement that was refused after it was confirmed: new keyrings leave the slot out. */
function leftOut({ passkeys }: Disk, slotId: SlotId): Disk {
  if (stepsToRetire(passkeys, slotId, true).length === 0) return diskOf(passkeys);
  return diskOf(passkeys.map((passkey) => (passkey.slotId === slotId ? { ...passkey, isLeftOut: true } : passkey)));
}

/** A rotation of the passkey in use that goes on with another slot as the one that was begun. */
function resumed(passkeys: Disk['passkeys'], newSlotId: SlotId): readonly PasskeyStep[] {
  const old = passkeys.find(({ inUse }) => inUse);
  const begun = passkeys.find(({ slotId }) => slotId === newSlotId);
  if (old === undefined || begun === undefined || begun.inUse || (begun.state !== 'ready' && begun.state !== 'unverified')) return [];
  return stepsToRotate(passkeys, { oldSlotId: old.slotId, newSlotId });
}

/** A rotation of the passkey in use behind one that was cut off. */
function afterAbandoned(passkeys: Disk['passkeys'], abandoned: SlotId, newSlotId: SlotId): readonly PasskeyStep[] {
  const old = passkeys.find(({ inUse }) => inUse);
  const state = passkeys.find(({ slotId }) => slotId === abandoned)?.state;
  if (old === undefined || old.slotId === abandoned || state === 'retired') return [];
  return stepsToRotate(passkeys, { oldSlotId: old.slotId, newSlotId, abandoned: [abandoned] });
}

function names(steps: readonly PasskeyStep[]): readonly string[] {
  return steps.map(({ step }) => step);
}

function refuses(run: () => unknown, code: 'refusedByRule' | 'confirmationNeeded' | 'unknownName'): void {
  assert.throws(run, (error) => HoldfastError.is(error, code));
}

describe('passkeys', () => {
  it('X2: at every point of any sequence of changes a verified slot, and the one in use, opens from the store', () => {
    const choice = fc.record({
      change: fc.constantFrom('add', 'addInUse', 'use', 'retire', 'rotate', 'rotateUnused', 'resume', 'abandon', 'leaveOut'),
      which: fc.nat(20),
      crashAfter: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.array(choice, { maxLength: 25 }), (choices) => {
        let disk = diskOf([newPasskey('ready', true)]);
        for (const { change, which, crashAfter } of choices) {
          const slotId = disk.passkeys[which % disk.passkeys.length]?.slotId ?? idOf<SlotId>(randomUUID());
          const fresh = idOf<SlotId>(randomUUID());
          let steps: readonly PasskeyStep[] = [];
          try {
            if (change === 'add' || change === 'addInUse') steps = stepsToAdd(disk.passkeys, fresh, change === 'addInUse');
            if (change === 'use') steps = stepsToUse(disk.passkeys, slotId);
            if (change === 'retire') steps = stepsToRetire(disk.passkeys, slotId, true);
            if (change === 'rotate') steps = stepsToRotate(disk.passkeys, { oldSlotId: slotId, newSlotId: fresh });
            if (change === 'rotateUnused') steps = stepsToRotate(disk.passkeys, { oldSlotId: slotId, newSlotId: fresh, keepsChoice: true });
            if (change === 'resume') steps = resumed(disk.passkeys, slotId);
            if (change === 'abandon') steps = afterAbandoned(disk.passkeys, slotId, fresh);
            if (change === 'leaveOut') disk = leftOut(disk, slotId);
          } catch (error) {
            if (!HoldfastError.is(error, 'refusedByRule')) throw error;
          }
          for (const step of steps.slice(0, crashAfter)) {
            disk = applied(disk, step);
            assertIsSafe(disk, step.step === 'takeBack' ? step.slotId : undefined);
          }
          // After a crash the keyring is published again from the catalog.
          disk = diskOf(disk.passkeys);
          assertIsSafe(disk);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are published and proved before they are used, and leave the keyring last', () => {
    const [old, fresh] = [newPasskey('ready', true), idOf<SlotId>(randomUUID())];
    assert.deepEqual(names(stepsToAdd([old], fresh, false)), ['record', 'publish', 'verify']);
    const rotation = { oldSlotId: old.slotId, newSlotId: fresh };
    assert.deepEqual(names(stepsToRotate([old], rotation)), ['record', 'publish', 'verify', 'use']);
    assert.deepEqual(names(stepsToRotate([old], { ...rotation, keepsChoice: true })), ['record', 'publish', 'verify', 'use']);
    const spare = newPasskey('ready');
    const ofSpare = { oldSlotId: spare.slotId, newSlotId: fresh };
    assert.deepEqual(names(stepsToRotate([old, spare], ofSpare)), ['record', 'publish', 'verify', 'use']);
    assert.deepEqual(names(stepsToRotate([old, spare], { ...ofSpare, keepsChoice: true })), ['record', 'publish', 'verify', 'takeOver']);
    const begun = { ...newPasskey('unverified'), slotId: fresh };
    assert.deepEqual(names(stepsToRotate([old, begun], rotation)), ['publish', 'verify', 'use']);
    assert.deepEqual(names(stepsToRotate([old, { ...begun, isLeftOut: true }], rotation)), ['takeBack', 'publish', 'verify', 'use']);
    assert.deepEqual(stepsToRetire([old, spare], spare.slotId, true).at(-1), { step: 'publish', slotIds: [old.slotId] });
    assert.deepEqual(names(stepsToRetire([old, spare, newPasskey('ready')], spare.slotId, false)), ['retire', 'publish']);
  });

  it('cannot be retired while in use or as the last verified one; with one left it takes a confirmation', () => {
    const [inUse, spare, unverified] = [newPasskey('ready', true), newPasskey('ready'), newPasskey('unverified')];
    refuses(() => stepsToRetire([inUse, spare], inUse.slotId, true), 'refusedByRule');
    refuses(() => stepsToRetire([newPasskey('failing', true), spare, unverified], spare.slotId, true), 'refusedByRule');
    refuses(() => stepsToRetire([inUse, spare, unverified], spare.slotId, false), 'confirmationNeeded');
    refuses(() => stepsToRetire([inUse, unverified], idOf(randomUUID()), true), 'unknownName');
    refuses(() => stepsToRetire([inUse, spare, { ...newPasskey('ready'), isLeftOut: true }], spare.slotId, false), 'confirmationNeeded');
    const ofOneKey = [1, 2].map((version) => ({ ...newPasskey('ready'), outsideKey: { name: 'vault', version } }));
    assert.throws(() => stepsToRetire([...ofOneKey, spare], spare.slotId, false), {
      code: 'confirmationNeeded',
      message: `Failed to retire passkey ${spare.name}: only passkeys of one key outside would be left.`,
    });
    const retired = newPasskey('retired');
    assert.deepEqual(stepsToRetire([inUse, retired], retired.slotId, false), []);
  });

  it('are asked about before the last passphrase goes: keys outside can be taken away by others', () => {
    const outside = ['kms', 'vault'].map((name, index) => ({ ...newPasskey('ready', index === 0), outsideKey: { name, version: 1 } }));
    const paper = newPasskey('ready');
    assert.throws(() => stepsToRetire([...outside, paper], paper.slotId, false), {
      code: 'confirmationNeeded',
      message: `Failed to retire passkey ${paper.name}: no passphrase would be left, and others may end the keys outside.`,
    });
    for (const useless of [newPasskey('unverified'), { ...newPasskey('ready'), isLeftOut: true }]) {
      refuses(() => stepsToRetire([...outside, paper, useless], paper.slotId, false), 'confirmationNeeded');
      assert.deepEqual(names(stepsToRetire([...outside, paper, useless], useless.slotId, false)), ['retire', 'publish']);
    }
    assert.deepEqual(names(stepsToRetire([...outside, paper], paper.slotId, true)), ['retire', 'publish']);
    assert.deepEqual(names(stepsToRetire([...outside, paper, newPasskey('ready')], paper.slotId, false)), ['retire', 'publish']);
  });

  it('that keyrings leave out are published before they are used, and nothing relies on them', () => {
    const inUse = newPasskey('ready', true);
    const spare = { ...newPasskey('ready'), isLeftOut: true };
    assert.deepEqual(slotsOfKeyring([inUse, spare]), [inUse.slotId]);
    assert.deepEqual(stepsToUse([inUse, spare], spare.slotId), [
      { step: 'takeBack', slotId: spare.slotId },
      { step: 'publish', slotIds: [inUse.slotId, spare.slotId] },
      { step: 'use', slotId: spare.slotId },
    ]);
    const other = newPasskey('ready');
    refuses(() => stepsToRetire([newPasskey('failing', true), spare, other], other.slotId, true), 'refusedByRule');
    refuses(() => stepsToRetire([inUse, spare, other], other.slotId, false), 'confirmationNeeded');
  });

  it('can be used only when they are verified and not retired', () => {
    const inUse = newPasskey('ready', true);
    assert.deepEqual(stepsToUse([inUse], inUse.slotId), []);
    for (const state of ['unverified', 'failing', 'retired'] as const) {
      const passkey = newPasskey(state);
      refuses(() => stepsToUse([inUse, passkey], passkey.slotId), 'refusedByRule');
    }
    const spaced = { ...newPasskey('unverified'), name: 'my laptop' };
    assert.throws(() => stepsToUse([inUse, spaced], spaced.slotId), { fix: `Run "holdfast passkey verify 'my laptop'" first.` });
    const retired = newPasskey('retired');
    refuses(() => stepsToRotate([inUse, retired], { oldSlotId: retired.slotId, newSlotId: idOf(randomUUID()) }), 'refusedByRule');
  });
});
