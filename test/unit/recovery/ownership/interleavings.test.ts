import assert from 'node:assert/strict';
import { faults } from '../../../support/ownership/faults.ts';
import { Breach, exploreAll, type Scene } from '../../../support/ownership/interleavings.ts';

const versioned = { versions: true, conditionalPut: true, isLocked: true };
const unconditional = { versions: true, conditionalPut: false, isLocked: true };
/** Others can only add to these two. */
const folder = { versions: false, conditionalPut: true, isLocked: true };
const flat = { versions: false, conditionalPut: false, isLocked: true };
const soft = { isLocked: false };

/** Everything that is known to hold, and the least number of situations that it takes to see it. */
const scenes: readonly (readonly [string, Scene, number])[] = [
  ['C7 C8 R1 R2: two machines take a location', { store: versioned, start: 'unclaimed', acts: 2 }, 90_000],
  ['C8 R1 R2: one machine takes a location, and its owner looks for the first time', { store: versioned, start: 'owned', acts: 2 }, 30_000],
  ['C8 R1 R2: one machine takes a location, and its owner looks again', { store: versioned, start: 'watched', acts: 2 }, 30_000],
  [
    'R2: two machines take a location, and the names of terms have leaked',
    { store: versioned, start: 'unclaimed', acts: 1, isLeaky: true },
    5000,
  ],
  [
    'S7: two machines take a location that has versions and no conditional puts',
    { store: unconditional, start: 'unclaimed', acts: 1 },
    5000,
  ],
  ['two machines take a folder that others can only add to', { store: folder, start: 'unclaimed', acts: 2 }, 5000],
  [
    'S7: two machines take a location without versions and conditional puts, neither held up before its put',
    { store: flat, start: 'unclaimed', acts: 2, isSwift: true },
    15_000,
  ],
];

/** Where there are no locks somebody can take a term away: then nobody owns the location who has looked. */
const softScenes: readonly (readonly [string, Scene])[] = [
  ['R6: two machines take a location without locks', { store: { ...versioned, ...soft }, start: 'unclaimed', acts: 1 }],
  ['R6: one machine takes a location without locks, and its owner looks', { store: { ...versioned, ...soft }, start: 'owned', acts: 1 }],
  [
    'R6: one machine takes a location without locks, and its owner looks again',
    { store: { ...versioned, ...soft }, start: 'watched', acts: 2 },
  ],
  ['R6: two machines take a folder', { store: { ...folder, ...soft }, start: 'unclaimed', acts: 2 }],
  ['R6: one machine takes a folder, and its owner looks', { store: { ...folder, ...soft }, start: 'owned', acts: 2 }],
  [
    'R6 S7: two machines take a location without versions and conditional puts',
    { store: { ...flat, ...soft }, start: 'unclaimed', acts: 1 },
  ],
];

/** Each mistake, a scene in which it shows, and what then is. */
const mistakes: readonly (readonly [string, Scene, RegExp])[] = [
  [
    'nothing is checked after the put',
    { store: versioned, start: 'unclaimed', acts: 1, fault: faults.noCheckAfterThePut },
    /two owners by term 1/,
  ],
  [
    'a higher term is not looked for',
    { store: versioned, start: 'unclaimed', acts: 0, fault: faults.noLookForAHigherTerm },
    /a higher one is there/,
  ],
  [
    'a HEAD takes the place of the versions',
    { store: versioned, start: 'unclaimed', acts: 1, fault: faults.headInPlaceOfVersions },
    /owner/,
  ],
  ['the newest version counts', { store: versioned, start: 'unclaimed', acts: 1, fault: faults.newestCounts }, /owner/],
  ['delete markers hide terms', { store: versioned, start: 'owned', acts: 1, fault: faults.markersHide }, /nobody owns/],
  ['names hold no secret', { store: folder, start: 'unclaimed', acts: 1, isUnkeyed: true }, /something that is none/],
  [
    'junk keeps out who comes later',
    { store: versioned, start: 'unclaimed', acts: 1, isLeaky: true, fault: faults.junkKeepsOut },
    /is there already/,
  ],
  [
    'nobody waits where puts are not conditional',
    { store: flat, start: 'unclaimed', acts: 0, isSwift: true, fault: faults.doesNotWait },
    /two owners by term 1/,
  ],
  [
    'what was seen is forgotten',
    { store: { ...versioned, ...soft }, start: 'owned', acts: 0, fault: faults.memoryGoesBack },
    /became it again/,
  ],
  [
    'an owner whose term is gone stays one',
    { store: { ...versioned, ...soft }, start: 'unclaimed', acts: 1, fault: faults.ownsWithoutItsTerm },
    /2 owners/,
  ],
];

describe('ownership of a location, in every order of single calls', () => {
  for (const [title, scene, least] of scenes) {
    it(`${title}: never two owners, no stop by junk, ${scene.acts} acts of an attacker`, async () => {
      const { situations, ends } = await exploreAll(scene);
      assert.ok(situations > least && ends > 10, `${situations} situations, ${ends} ends`);
    });
  }

  for (const [title, scene] of softScenes) {
    it(`${title}, and terms are deleted and overwritten: one owner at most when each has looked`, async () => {
      const { situations, ends } = await exploreAll(scene);
      assert.ok(situations > 500 && ends > 10, `${situations} situations, ${ends} ends`);
    });
  }

  for (const [mistake, scene, what] of mistakes) {
    it(`notices where ${mistake}`, async () => {
      await assert.rejects(exploreAll(scene), (error: unknown) => error instanceof Breach && what.test(error.message.split('\n')[0] ?? ''));
    });
  }
});
