import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { type GatePasskey, type LockedHolder, retirementGate } from '../../../../daemon/keys/gate/retirementGate.ts';
import { idOf, type SlotId } from '../../../../protocol/ids.ts';

const now = new Date('2026-03-01T00:00:00Z');
const inDays = (days: number): Date => new Date(now.getTime() + days * 86_400_000);

const passkeyOf = (members: Partial<GatePasskey>): GatePasskey => ({
  slotId: idOf<SlotId>(randomUUID()),
  name: 'one',
  state: 'ready',
  inUse: false,
  outsideKey: undefined,
  ...members,
});
const holderOf = (passkey: GatePasskey, until: Date | null): LockedHolder => ({
  what: 'keyring 7 in b',
  slotIds: new Set([passkey.slotId]),
  until,
});

describe('the retirement gate', () => {
  const inUse = passkeyOf({ name: 'new', inUse: true, outsideKey: 'key v2' });
  const old = passkeyOf({ name: 'old', outsideKey: 'key v1' });
  const paper = passkeyOf({ name: 'paper' });

  it('D3: refuses the passkey in use, and waiting does not help', () => {
    const decision = retirementGate({ passkey: inUse, passkeys: [inUse, paper, old], holders: [], now });
    assert.deepEqual([decision.allowed, decision.from, decision.reasons], [false, null, [{ what: 'it is in use', until: null }]]);
  });

  it('D3: refuses the last verified one, whatever else there is that is not verified', () => {
    const others = (['unverified', 'failing', 'retired'] as const).map((state) => passkeyOf({ state }));
    const decision = retirementGate({ passkey: paper, passkeys: [paper, ...others], holders: [], now });
    assert.deepEqual([decision.allowed, decision.from], [false, null]);
    assert.match(decision.reasons[0]?.what ?? '', /no other passkey is verified/);
  });

  it('D3: keeps a key outside until the last lock that needs it, with the list and the date', () => {
    const holders = [holderOf(old, inDays(3)), holderOf(old, inDays(30)), holderOf(inUse, inDays(90)), holderOf(old, inDays(-1))];
    const decision = retirementGate({ passkey: old, passkeys: [inUse, old], holders, now });
    assert.equal(decision.allowed, false);
    assert.deepEqual(decision.from, inDays(30));
    assert.deepEqual(
      decision.reasons.map(({ until }) => until),
      [inDays(30), inDays(3)],
    );
    assert.equal(retirementGate({ passkey: old, passkeys: [inUse, old], holders, now: inDays(30) }).allowed, true);
    assert.equal(retirementGate({ passkey: old, passkeys: [inUse, old], holders, now: new Date(inDays(30).getTime() - 1) }).allowed, false);
  });

  it('D3: a lock whose end is not known never ends', () => {
    const decision = retirementGate({
      passkey: old,
      passkeys: [inUse, old],
      holders: [holderOf(old, null), holderOf(old, inDays(1))],
      now,
    });
    assert.deepEqual([decision.allowed, decision.from], [false, null]);
  });

  it('lets it go with two others that do not depend on it, and not with two that fall together with it', () => {
    const holders = [holderOf(old, inDays(30))];
    assert.equal(retirementGate({ passkey: old, passkeys: [inUse, old, paper], holders, now }).allowed, true);
    const twin = passkeyOf({ name: 'twin', state: 'retired', outsideKey: 'key v1' });
    assert.equal(retirementGate({ passkey: old, passkeys: [inUse, old, twin], holders, now }).allowed, false);
    const failing = passkeyOf({ state: 'failing' });
    assert.equal(retirementGate({ passkey: old, passkeys: [inUse, old, failing], holders, now }).allowed, false);
  });

  it('holds up no slot whose key outside another passkey goes on needing', () => {
    const rewrapped = passkeyOf({ name: 'again', inUse: true, outsideKey: 'key v1' });
    const decision = retirementGate({ passkey: old, passkeys: [rewrapped, old], holders: [holderOf(old, inDays(30))], now });
    assert.deepEqual([decision.allowed, decision.endsOutsideKey], [true, false]);
  });

  it('a passphrase can go as soon as another passkey is verified and in use', () => {
    const decision = retirementGate({ passkey: paper, passkeys: [inUse, paper], holders: [holderOf(paper, inDays(30))], now });
    assert.deepEqual([decision.allowed, decision.from, decision.left], [true, now, 1]);
  });

  it('D3: never lets go what is needed: after every decision that allows, a verified passkey is left, and what is locked opens with one that does not fall with it', () => {
    const states = fc.constantFrom('ready', 'unverified', 'failing', 'retired');
    const keys = fc.constantFrom(undefined, 'a', 'b', 'c');
    const world = fc.record({
      passkeys: fc.array(fc.record({ state: states, outsideKey: keys }), { minLength: 1, maxLength: 6 }),
      inUse: fc.nat(),
      holders: fc.array(fc.record({ slots: fc.array(fc.nat(), { maxLength: 4 }), days: fc.integer({ min: -3, max: 40 }) }), {
        maxLength: 6,
      }),
    });
    fc.assert(
      fc.property(world, fc.nat(), (drawn, pick) => {
        const passkeys = drawn.passkeys.map(({ state, outsideKey }, index) =>
          passkeyOf({ state, outsideKey, inUse: state === 'ready' && index === drawn.inUse % drawn.passkeys.length }),
        );
        const at = (index: number): GatePasskey => passkeys[index % passkeys.length] ?? assert.fail();
        const holders = drawn.holders.map(({ slots, days }) => ({
          what: 'keyring',
          slotIds: new Set(slots.map((slot) => at(slot).slotId)),
          until: inDays(days),
        }));
        const passkey = at(pick);
        const decision = retirementGate({ passkey, passkeys, holders, now });
        assert.equal(decision.allowed, decision.reasons.length === 0);
        if (!decision.allowed) return;
        assert.ok(!passkey.inUse);
        const left = passkeys.filter((other) => other !== passkey && other.state === 'ready');
        assert.ok(left.length > 0);
        if (!decision.endsOutsideKey) return;
        const needing = holders.filter(({ slotIds, until }) => slotIds.has(passkey.slotId) && until > now);
        if (needing.length > 0)
          assert.ok(left.filter(({ outsideKey }) => outsideKey === undefined || outsideKey !== passkey.outsideKey).length >= 2);
      }),
    );
  });
});
