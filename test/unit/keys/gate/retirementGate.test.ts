import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { fallsWith, type OutsideKey } from '../../../../daemon/keys/gate/outsideKey.ts';
import {
  type GateDecision,
  type GatePasskey,
  type GatePlace,
  type LockedKeyring,
  retirementGate,
} from '../../../../daemon/keys/gate/retirementGate.ts';
import { countWays, isWayIn } from '../../../../daemon/keys/gate/waysIn.ts';
import { idOf, type SlotId } from '../../../../protocol/ids.ts';

const now = new Date('2026-03-01T00:00:00Z');
const inDays = (days: number): Date => new Date(now.getTime() + days * 86_400_000);
const vault = (version: number): OutsideKey => ({ name: 'vault', version });
const kms = (name: string): OutsideKey => ({ name, version: 0 });

const passkeyOf = (members: Partial<GatePasskey>): GatePasskey => ({
  slotId: idOf<SlotId>(randomUUID()),
  name: 'one',
  state: 'ready',
  inUse: false,
  isLeftOut: false,
  outsideKey: undefined,
  ...members,
});
const keyringOf = (passkeys: readonly GatePasskey[], until: Date | null, more: Partial<LockedKeyring> = {}): LockedKeyring => ({
  what: 'keyring 7 in b',
  slots: passkeys,
  until,
  isNewest: false,
  ...more,
});
const placeOf = (newest: readonly GatePasskey[], locked: readonly LockedKeyring[] = [], more: Partial<GatePlace> = {}): GatePlace => ({
  name: 'b',
  isRemoved: false,
  reachedAt: new Date('2026-02-22T10:11:12Z'),
  newest: newest.map(({ slotId }) => slotId),
  locked,
  now,
  ...more,
});
const stillLocked = ({ locked, now: time }: GatePlace): readonly LockedKeyring[] =>
  locked.filter(({ until }) => until === null || time === null || until > time);
const told = ({ allowed, from, reasons }: GateDecision): readonly unknown[] => [allowed, from, reasons.map(({ until }) => until)];

describe('the retirement gate', () => {
  const inUse = passkeyOf({ name: 'new', inUse: true, outsideKey: vault(2) });
  const old = passkeyOf({ name: 'old', outsideKey: vault(1) });
  const paper = passkeyOf({ name: 'paper' });

  it('D3: refuses the passkey in use, and waiting does not help', () => {
    const decision = retirementGate({ passkey: inUse, passkeys: [inUse, paper, old], places: [] });
    assert.deepEqual([decision.allowed, decision.from, decision.reasons], [false, null, [{ what: 'it is in use', until: null }]]);
  });

  it('D3: refuses the last way in, whatever else there is that is not verified or is going to be retired', () => {
    const others = (['unverified', 'failing', 'retired'] as const).map((state) => passkeyOf({ state }));
    const decision = retirementGate({ passkey: paper, passkeys: [paper, ...others], places: [] });
    assert.deepEqual([decision.allowed, decision.from, decision.left], [false, null, 0]);
    assert.match(decision.reasons[0]?.what ?? '', /no other passkey is verified/);
    const leaving = retirementGate({ passkey: paper, passkeys: [paper, passkeyOf({ isLeftOut: true })], places: [] });
    assert.deepEqual([leaving.allowed, leaving.left], [false, 0]);
    assert.match(leaving.reasons[0]?.what ?? '', /going to be retired/);
  });

  it('D3: keeps a key outside until the last lock that needs it, with the list and the date', () => {
    const locked = [
      keyringOf([old], inDays(3)),
      keyringOf([old], inDays(30)),
      keyringOf([inUse], inDays(90)),
      keyringOf([old], inDays(-1)),
    ];
    const at = (moment: Date): GateDecision =>
      retirementGate({ passkey: old, passkeys: [inUse, old], places: [placeOf([inUse], locked, { now: moment })] });
    assert.deepEqual(told(at(now)), [false, inDays(30), [inDays(30), inDays(3)]]);
    assert.equal(at(inDays(30)).allowed, true);
    assert.equal(at(new Date(inDays(30).getTime() - 1)).allowed, false);
  });

  it('D3: a lock whose end is not known never ends, nor does any lock where nothing tells the time', () => {
    const places = [placeOf([inUse], [keyringOf([old], null), keyringOf([old], inDays(1))])];
    const decision = retirementGate({ passkey: old, passkeys: [inUse, old], places });
    assert.deepEqual([decision.allowed, decision.from], [false, null]);
    const removed = [placeOf([inUse], [keyringOf([old], inDays(-30))], { isRemoved: true, now: null })];
    assert.deepEqual(told(retirementGate({ passkey: old, passkeys: [inUse, old], places: removed })), [false, null, [null]]);
  });

  it('lets it go with two others that do not depend on it, and not with two that fall together with it', () => {
    const decide = (passkeys: readonly GatePasskey[]): boolean => {
      const places = [placeOf([...passkeys, old], [keyringOf([old], inDays(30))])];
      return retirementGate({ passkey: old, passkeys: [old, ...passkeys], places }).allowed;
    };
    assert.equal(decide([inUse, paper]), true);
    for (const state of ['retired', 'failing', 'unverified'] as const) assert.equal(decide([inUse, passkeyOf({ state })]), false, state);
    assert.equal(decide([inUse, passkeyOf({ isLeftOut: true })]), false);
  });

  it('D3: two passkeys of one key outside are one way in, of whatever version, and each passphrase is one of its own', () => {
    const leaving = passkeyOf({ outsideKey: kms('K1') });
    const decide = (...others: readonly GatePasskey[]): readonly [boolean, number] => {
      const places = [placeOf(others, [keyringOf([leaving], inDays(30))])];
      const { allowed, left } = retirementGate({ passkey: leaving, passkeys: [leaving, ...others], places });
      return [allowed, left];
    };
    const of = (outsideKey: OutsideKey | undefined): GatePasskey => passkeyOf({ outsideKey });
    assert.deepEqual(decide(of(kms('K2')), of(kms('K2'))), [false, 1]);
    assert.deepEqual(decide(of(vault(2)), of(vault(3))), [false, 1]);
    assert.deepEqual(decide(of(kms('K2')), of(kms('K3'))), [true, 2]);
    assert.deepEqual(decide(of(undefined), of(undefined)), [true, 2]);
  });

  it('D2 D3: refuses while the newest keyring of a place, locked or not, holds none of the others, and says when that was reached', () => {
    const places = [placeOf([inUse, paper]), placeOf([old], [keyringOf([old], inDays(30))], { name: 'away' })];
    for (const passkey of [old, passkeyOf({ name: 'other passphrase' })]) {
      const decision = retirementGate({ passkey, passkeys: [inUse, paper, passkey], places });
      assert.deepEqual([decision.allowed, decision.from, decision.begins], [false, null, false]);
      assert.deepEqual(decision.reasons, [
        { what: 'the newest keyring in away holds none of the others: it was last reached 2026-02-22 10:11 UTC', until: null },
      ]);
    }
    const unknown = [placeOf([], [], { newest: undefined, reachedAt: null })];
    const blind = retirementGate({ passkey: old, passkeys: [inUse, paper, old], places: unknown });
    assert.match(blind.reasons[0]?.what ?? '', /nobody knows what the newest keyring in b holds/);
  });

  it('D3: two others count where the newest keyring of that very place holds them', () => {
    const locked = [keyringOf([old], inDays(30))];
    const decide = (newest: readonly GatePasskey[]): unknown =>
      told(retirementGate({ passkey: old, passkeys: [inUse, old, paper], places: [placeOf(newest, locked)] }));
    assert.deepEqual(decide([old, inUse, paper]), [true, null, []]);
    assert.deepEqual(decide([old, inUse]), [false, inDays(30), [inDays(30)]]);
  });

  it('holds up no slot whose key outside another passkey goes on needing, later versions of it or earlier ones', () => {
    for (const version of [1, 0]) {
      const kept = passkeyOf({ name: 'again', inUse: true, outsideKey: vault(version) });
      const places = [placeOf([kept, old], [keyringOf([old], inDays(30))])];
      const decision = retirementGate({ passkey: old, passkeys: [kept, old], places });
      assert.deepEqual([decision.allowed, decision.endsOutsideKey], [true, false], `version ${version}`);
    }
  });

  it('D3: keeps a key for whatever is wrapped with it, by passkeys that are gone as well', () => {
    const gone = passkeyOf({ state: 'retired', outsideKey: vault(1) });
    const earlier = { slotId: idOf<SlotId>(randomUUID()), outsideKey: vault(0) };
    const later = { slotId: idOf<SlotId>(randomUUID()), outsideKey: vault(3) };
    const decide = (slots: LockedKeyring['slots']): unknown => {
      const places = [placeOf([inUse, old], [keyringOf([], inDays(30), { slots })])];
      return told(retirementGate({ passkey: old, passkeys: [inUse, old, gone], places }));
    };
    const refused = [false, inDays(30), [inDays(30)]];
    assert.deepEqual(decide([gone]), refused);
    assert.deepEqual(decide([earlier]), refused, 'it falls with every later version');
    assert.deepEqual(decide(undefined), refused, 'what is not known is every slot');
    assert.deepEqual(decide([later]), [true, null, []]);
  });

  it('D3: tells no date while the newest keyring holds it, whose lock is extended, until somebody asks to retire it', () => {
    const locked = (passkey: GatePasskey): readonly LockedKeyring[] => [keyringOf([passkey, inUse], inDays(30), { isNewest: true })];
    const decision = retirementGate({ passkey: old, passkeys: [inUse, old], places: [placeOf([inUse], locked(old))] });
    assert.deepEqual([...told(decision), decision.begins], [false, null, [null], true]);
    assert.match(
      decision.reasons[0]?.what ?? '',
      /is the newest there and holds it, so its lock is extended: ask to retire it, and the date stands/,
    );
    const asked = { ...old, isLeftOut: true };
    const behind = retirementGate({ passkey: asked, passkeys: [inUse, asked], places: [placeOf([inUse], locked(asked))] });
    assert.deepEqual([behind.from, behind.begins], [null, false]);
    assert.match(behind.reasons[0]?.what ?? '', /the next one leaves it out/);
    // That the newest has a lock whose end nobody knows, or an earlier one, is no reason not to ask.
    for (const more of [[keyringOf([old], null)], [keyringOf([old], null, { isNewest: true })]]) {
      assert.equal(retirementGate({ passkey: old, passkeys: [inUse, old], places: [placeOf([inUse], more)] }).begins, more[0]?.isNewest);
      const both = [placeOf([inUse], [...locked(old), ...more])];
      assert.equal(retirementGate({ passkey: old, passkeys: [inUse, old], places: both }).begins, true);
    }
    const used = retirementGate({ passkey: { ...old, inUse: true }, passkeys: [inUse, old], places: [placeOf([inUse], locked(old))] });
    assert.deepEqual([used.allowed, used.begins], [false, false]);
  });

  it('D3: a location that was removed keeps keys until its last lock has ended, and passphrases not at all', () => {
    const places = [placeOf([old], [keyringOf([old], inDays(30)), keyringOf([old], inDays(40))], { isRemoved: true })];
    assert.deepEqual(told(retirementGate({ passkey: old, passkeys: [inUse, old, paper], places })), [false, inDays(40), [inDays(40)]]);
    const partly = [placeOf([old, paper], [keyringOf([old], inDays(30))], { isRemoved: true })];
    assert.deepEqual(told(retirementGate({ passkey: old, passkeys: [inUse, old, paper], places: partly })), [
      false,
      inDays(30),
      [inDays(30)],
    ]);
    const spare = passkeyOf({});
    assert.equal(retirementGate({ passkey: spare, passkeys: [inUse, spare], places }).allowed, true);
  });

  it('a passphrase can go as soon as another passkey is verified and in the newest keyring', () => {
    const places = [placeOf([inUse], [keyringOf([paper], inDays(30))])];
    const decision = retirementGate({ passkey: paper, passkeys: [inUse, paper], places });
    assert.deepEqual([decision.allowed, decision.from, decision.left], [true, null, 1]);
  });

  describe('whatever there is', () => {
    const states = fc.constantFrom('ready', 'ready', 'unverified', 'failing', 'retired');
    const keys = fc.constantFrom(undefined, kms('a'), kms('b'), vault(1), vault(2), vault(3));
    const slots = fc.array(fc.nat(), { maxLength: 4 });
    const drawnKeyring = fc.record({
      slots: fc.option(slots, { nil: undefined, freq: 8 }),
      days: fc.option(fc.integer({ min: -3, max: 40 }), { freq: 8 }),
      isNewest: fc.boolean(),
    });
    const drawnPlace = fc.record({
      newest: fc.option(slots, { nil: undefined, freq: 8 }),
      locked: fc.array(drawnKeyring, { maxLength: 4 }),
      isRemoved: fc.boolean(),
      tellsTime: fc.boolean(),
    });
    const world = fc.record({
      passkeys: fc.array(fc.record({ state: states, outsideKey: keys, isLeftOut: fc.boolean() }), { minLength: 1, maxLength: 7 }),
      inUse: fc.nat(),
      places: fc.array(drawnPlace, { maxLength: 3 }),
      pick: fc.nat(),
    });
    type World = typeof world extends fc.Arbitrary<infer Drawn> ? Drawn : never;
    const built = (
      drawn: World,
    ): { readonly passkeys: readonly GatePasskey[]; readonly passkey: GatePasskey; readonly places: readonly GatePlace[] } => {
      const passkeys = drawn.passkeys.map((members, index) =>
        passkeyOf({ ...members, inUse: members.state === 'ready' && index === drawn.inUse % drawn.passkeys.length }),
      );
      const at = (index: number): GatePasskey => passkeys[index % passkeys.length] ?? assert.fail();
      const places = drawn.places.map(({ newest, locked, isRemoved, tellsTime }) =>
        placeOf(
          (newest ?? []).map(at),
          locked.map((one) => ({
            what: 'keyring',
            slots: one.slots?.map(at),
            until: one.days === null ? null : inDays(one.days),
            isNewest: one.isNewest,
          })),
          { isRemoved, now: isRemoved && !tellsTime ? null : now, ...(newest === undefined ? { newest: undefined } : {}) },
        ),
      );
      return { passkeys, passkey: at(drawn.pick), places };
    };

    it('D3: after each decision that allows, every place opens, and what is locked opens with what does not fall', () => {
      fc.assert(
        fc.property(world, (drawn) => {
          const { passkeys, passkey, places } = built(drawn);
          const decision = retirementGate({ passkey, passkeys, places });
          assert.equal(decision.allowed, decision.reasons.length === 0);
          if (!decision.allowed) return;
          assert.ok(!passkey.inUse);
          const ended = decision.endsOutsideKey ? passkey.outsideKey : undefined;
          const left = passkeys.filter((other) => other !== passkey && isWayIn(other) && !fallsWith(other.outsideKey, ended));
          assert.ok(left.length > 0);
          for (const place of places) {
            const ways = countWays(left.filter(({ slotId }) => place.newest?.includes(slotId) === true));
            if (!place.isRemoved) assert.ok(ways > 0, 'the newest keyring there opens');
            if (ended === undefined || ways >= 2) continue;
            for (const { slots: held } of stillLocked(place)) {
              assert.ok(held !== undefined);
              for (const slot of held) assert.ok(slot.slotId !== passkey.slotId && !fallsWith(slot.outsideKey, ended));
              for (const { outsideKey } of held)
                if (outsideKey !== undefined) assert.ok(decision.needed.includes(outsideKey), 'what ends the key knows of it');
            }
          }
          for (const { slotId, state, outsideKey } of passkeys) {
            if (ended === undefined || slotId === passkey.slotId || state === 'retired' || outsideKey === undefined) continue;
            assert.ok(!fallsWith(outsideKey, ended) && decision.needed.includes(outsideKey));
          }
        }),
        { numRuns: 500 },
      );
    });

    it('D3: the date that it tells is one on which it allows, where nothing else has changed', () => {
      fc.assert(
        fc.property(world, (drawn) => {
          const { passkeys, passkey, places } = built(drawn);
          const { from } = retirementGate({ passkey, passkeys, places });
          if (from === null) return;
          const then = places.map((place) => ({ ...place, now: place.now === null ? null : from }));
          assert.equal(retirementGate({ passkey, passkeys, places: then }).allowed, true);
          const before = places.map((place) => ({ ...place, now: place.now === null ? null : new Date(from.getTime() - 1) }));
          assert.equal(retirementGate({ passkey, passkeys, places: before }).allowed, false);
        }),
        { numRuns: 500 },
      );
    });

    it('D3: knowing less, and locking more, never opens it', () => {
      fc.assert(
        fc.property(world, fc.nat(), (drawn, which) => {
          const { passkeys, passkey, places } = built(drawn);
          if (retirementGate({ passkey, passkeys, places }).allowed) return;
          const worse = places.map((place, index) =>
            index === which % places.length
              ? { ...place, newest: undefined, locked: place.locked.map((one) => ({ ...one, slots: undefined, until: null })) }
              : place,
          );
          assert.equal(retirementGate({ passkey, passkeys, places: worse }).allowed, false);
        }),
        { numRuns: 300 },
      );
    });
  });
});
