import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { extensionsPerMonth, type LockPlan, type LockTerms, lockPlan, lockTerms } from '../../../daemon/locks/lockPlan.ts';
import { afterEvent, type LockRunEvent, type LockRunState } from '../../../daemon/locks/lockRunState.ts';
import { LockModel, type LockRules, lockRules, type LockWorld } from '../../support/lockModel.ts';

const second = 1000;
const day = 86_400 * second;

/** Lives of a kind of world; HOLDFAST_MODEL_SEEDS asks for more. */
const seeds = Number(process.env['HOLDFAST_MODEL_SEEDS'] ?? 30);

/** A mutant that so many seeds do not kill is not killed. */
const mutantSeeds = 400;

const periods = [1, 2, 7, 30, 89, 90, 365] as const;
const absences = [0, 4, 20] as const;

function terms(protectionPeriodDays: number, longestAbsenceDays: number = 0): LockTerms {
  return lockTerms({ protectionPeriodDays, longestAbsenceDays });
}

/** A world without changes of its terms: enough days for some forty runs. */
function steady(aim: LockTerms, rest: Partial<LockWorld> = {}): LockWorld {
  return { schedule: 'adversary', terms: [aim], days: (40 * lockPlan(aim).longestGap) / day, ...rest };
}

const all: readonly LockTerms[] = periods.flatMap((period) => absences.map((absence) => terms(period, absence)));

/** Terms that change between short and long periods, absences alone, and all of it together. */
const changing: readonly (readonly LockTerms[])[] = [
  [terms(1), terms(30)],
  [terms(7), terms(90), terms(365)],
  [terms(30, 0), terms(30, 20), terms(30, 60)],
  [terms(2, 20), terms(7, 0), terms(8, 4)],
  all,
];

function failsOf(model: LockModel): readonly string[] {
  return model.breaches.map(({ at, missing, promised }) => `${at}: ${missing} ms below ${promised.protectionPeriod / day} days`);
}

function holdsFor(worlds: readonly LockWorld[]): void {
  fc.assert(
    fc.property(fc.constantFrom(...worlds), fc.nat(), (world, seed) => {
      const model = new LockModel(seed, world).run();
      assert.ok(model.runs > 0);
      assert.deepEqual(failsOf(model), []);
    }),
    { numRuns: seeds * 5 },
  );
}

/** The first seed of which a promise is broken under mutated rules. */
function killer(rules: Partial<LockRules>, worlds: readonly LockWorld[]): number | undefined {
  for (let seed = 1; seed <= mutantSeeds; seed += 1) {
    const world = worlds[seed % worlds.length];
    if (world !== undefined && new LockModel(seed, { ...world, rules: { ...lockRules, ...rules } }).run().breaches.length > 0) return seed;
  }
  return undefined;
}

function withReserve(less: number): (aim: LockTerms) => LockPlan {
  return (aim) => {
    const plan = lockPlan(aim);
    const reserve = plan.reserve - less;
    return { ...plan, reserve, buffer: Math.max(day, reserve) };
  };
}

/** The state machine with one of its answers changed. */
function mutated(change: (after: LockRunState, before: LockRunState, event: LockRunEvent) => LockRunState): LockRules['afterEvent'] {
  return (before, event) => change(afterEvent(before, event), before, event);
}

const steadyWorlds = all.map((aim) => steady(aim));
const changingWorlds: readonly LockWorld[] = changing.map((choice) => ({ schedule: 'adversary', terms: choice, days: 300 }));

describe('a model of locks over time', () => {
  const killed: string[] = [];
  after(() => {
    if (killed.length > 0) process.stdout.write(`\n${killed.join('\n')}\n`);
  });

  it('F1: keeps what is promised while runs come anywhere within what is allowed', () => {
    holdsFor(steadyWorlds);
  });

  it('F1: keeps what is promised while period and absence are changed up and down at any moment', () => {
    holdsFor(changingWorlds);
  });

  const mutants: readonly { readonly title: string; readonly rules: Partial<LockRules>; readonly worlds: readonly LockWorld[] }[] = [
    { title: 'a reserve that is ten seconds shorter', rules: { plan: withReserve(10 * second) }, worlds: steadyWorlds },
    {
      title: 'a raised period that is promised before a whole run',
      rules: {
        afterEvent: mutated((after, _before, event) => (event.type === 'termsChanged' ? { ...after, promised: event.terms } : after)),
      },
      worlds: changingWorlds,
    },
    {
      title: 'a run that counts although the terms were changed under it',
      rules: { afterEvent: mutated((after, before, event) => (event.type === 'termsChanged' ? { ...after, run: before.run } : after)) },
      worlds: changingWorlds,
    },
    {
      title: 'what is put under lowered terms waiting as long as the old ones could',
      rules: {
        afterEvent: mutated((after, before, event) =>
          event.type === 'termsChanged' ? { ...after, completeBy: before.completeBy } : after,
        ),
      },
      worlds: changingWorlds,
    },
    {
      title: 'a resumed run that forgets its first start',
      rules: {
        afterEvent: mutated((after, _before, event) =>
          event.type === 'runStarted' && after.run !== null
            ? { ...after, run: { ...after.run, firstStart: event.at.toISOString() } }
            : after,
        ),
      },
      worlds: steadyWorlds,
    },
    {
      title: 'a put that is not looked at again when the terms were changed under it',
      rules: { looksAfterPut: false },
      worlds: changingWorlds,
    },
    { title: 'a commit without its gate', rules: { hasGate: false }, worlds: steadyWorlds },
  ];
  for (const { title, rules, worlds } of mutants) {
    it(`finds out ${title}`, () => {
      const seed = killer(rules, worlds);
      assert.notEqual(seed, undefined, `no breach in ${mutantSeeds} seeds`);
      killed.push(`killed by seed ${String(seed).padStart(4)}: ${title}`);
    });
  }

  it('F1: raises no alarm while the monitor is on time, and never leaves less slack than it should', () => {
    for (const aim of all) {
      fc.assert(
        fc.property(fc.nat(), (seed) => {
          const model = new LockModel(seed, steady(aim, { schedule: 'onTime', days: (60 * lockPlan(aim).interval) / day })).run();
          assert.deepEqual([model.alarms, failsOf(model)], [0, []]);
          assert.ok(model.leastAboveOnTime >= 0, `${model.leastAboveOnTime} ms`);
        }),
        { numRuns: Math.ceil(seeds / 10) },
      );
    }
  });

  it('F1: raises no alarm for a change of the terms while the monitor is on time', () => {
    fc.assert(
      fc.property(fc.constantFrom(...changing), fc.nat(), (choice, seed) => {
        const model = new LockModel(seed, { schedule: 'onTime', terms: choice, days: 200 }).run();
        assert.deepEqual([model.alarms, failsOf(model)], [0, []]);
      }),
      { numRuns: seeds },
    );
  });

  it('R7: gives an alarm before every breach, where the extender stands still as long as it likes', () => {
    let breaches = 0;
    fc.assert(
      fc.property(fc.constantFrom(...changing, ...all.map((aim) => [aim])), fc.nat(), (choice, seed) => {
        const model = new LockModel(seed, { schedule: 'stopped', terms: choice, days: 300 }).run();
        breaches += model.breaches.length;
        for (const { promised, warned } of model.breaches) {
          const { deadline, quarterSlack } = lockPlan(promised);
          assert.ok(warned >= Math.min(deadline, quarterSlack), `warned for ${warned} ms`);
        }
      }),
      // The user shortens the longest absence while an alarm stands, half an hour before the breach: it is the same alarm.
      { numRuns: seeds * 2, examples: [[[terms(2, 20), terms(7, 0), terms(8, 4)], 340_518_252]] },
    );
    assert.ok(breaches > seeds);
  });

  it('F2: keeps the locks of three locations for a year of daily backups, with the calls that the formula says', () => {
    const daily = { objects: 3, keptDays: 60 };
    for (const aim of [terms(7), terms(30), terms(90)]) {
      const model = new LockModel(20, { schedule: 'onTime', terms: [aim], days: 365, daily }).run();
      assert.deepEqual([model.alarms, failsOf(model)], [0, []]);
      const formula = extensionsPerMonth(lockPlan(aim));
      // What is retired has had its last extension some time before, what was put its first one later.
      const [least, most] = [formula * (1 - 0.5 / formula), formula * 1.05];
      assert.ok(model.extensionsPerMonth >= least && model.extensionsPerMonth <= most, `${model.extensionsPerMonth} of ${formula}`);
    }
    for (const aim of [terms(7, 4), terms(30, 4), terms(90, 20)]) {
      assert.deepEqual(failsOf(new LockModel(21, { schedule: 'adversary', terms: [aim], days: 365, daily }).run()), []);
    }
  });
});
