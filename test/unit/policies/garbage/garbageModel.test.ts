import assert from 'node:assert/strict';
import type { CondemnedBook, CondemnedList } from '../../../../daemon/policies/garbage/condemnedLists.ts';
import type { ReachReader } from '../../../../daemon/policies/garbage/sweep.ts';
import { restorePointIdOf } from '../../../../daemon/repository/manifest.ts';
import { parseObjectKey } from '../../../../daemon/repository/names.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { GarbageModel, type Owner, type Seams, type World } from '../../../support/garbageModel.ts';

/** Lives of each world; HOLDFAST_MODEL_SEEDS asks for more. */
const seeds = Number(process.env['HOLDFAST_MODEL_SEEDS'] ?? 25);
const steps = 220;
/** A mutant that so many seeds do not kill is not killed. */
const mutantSeeds = Number(process.env['HOLDFAST_MODEL_MUTANT_SEEDS'] ?? 400);

/** The first seed of which a restore point is lost, and what of it. */
async function firstLoss(
  world: World,
  most: number,
  hint?: number,
): Promise<{ readonly seed: number; readonly losses: readonly string[] } | undefined> {
  const tried = [...(hint === undefined ? [] : [hint]), ...Array.from({ length: most }, (_value, index) => index + 1)];
  for (const seed of tried) {
    const model = new GarbageModel(seed, world);
    const losses = await model.live(steps);
    assert.deepEqual(model.unforeseen, [], `seed ${seed}`);
    if (losses.length > 0) return { seed, losses };
  }
  return undefined;
}

/** Writers that read no list: what one installation does by its own catalog has to suffice then. */
const alone: Seams = { writersBook: (real) => ({ ...bookOf(real), read: async () => await Promise.resolve([]) }) };

function bookOf(real: CondemnedBook): CondemnedBook {
  return {
    publish: (objects, signal) => real.publish(objects, signal),
    read: (signal) => real.read(signal),
    remove: (list, signal) => real.remove(list, signal),
    storeTime: (signal) => real.storeTime(signal),
  };
}

function withoutPin(owner: Owner, key: string, work: () => boolean): boolean {
  const { catalog } = owner;
  const isPinned = catalog.runPins.isPinned.bind(catalog.runPins);
  catalog.runPins.isPinned = (locationId, objectKey) => objectKey !== key && isPinned(locationId, objectKey);
  try {
    return work();
  } finally {
    catalog.runPins.isPinned = isPinned;
  }
}

interface Mutant {
  readonly rule: string;
  /** The world in which the rule carries the weight; safe while the rule holds. */
  readonly world: World;
  /** The same without the rule. */
  readonly without: Seams & Pick<World, 'locks'>;
  /** A seed that was seen to kill it is tried before all others. */
  readonly seed?: number;
}

const condemnsPinned: Seams = {
  condemn: (owner, key, isReached, found) => withoutPin(owner, key, () => owner.catalog.realCondemn(key, isReached, found)),
};

/** What a sweep knew when it condemned is what it deletes by. */
function staleReach(): Seams {
  const seen = new Map<Owner, Set<string>>();
  return {
    reach: (real, owner) => {
      const known = seen.get(owner);
      const next = new Set(known);
      seen.set(owner, next);
      let listings = 0;
      return {
        add: async (manifests, signal) => {
          listings += 1;
          for (const { key } of manifests) next.add(key);
          // The listing at condemning is this one's own; the one before deleting shows nothing new, and of others' what the sweep before it knew.
          await real.add(known === undefined || listings === 1 ? manifests.filter(({ key }) => known?.has(key) ?? true) : [], signal);
        },
        reached: (signal) => real.reached(signal),
      };
    },
  };
}

function tolerant(tolerates: 'manifest' | 'index'): Seams {
  return {
    reach: (real) => {
      const reader: ReachReader = {
        add: async (keys, signal) => {
          for (const key of keys) {
            try {
              await real.add([key], signal);
            } catch (error) {
              const rule = HoldfastError.is(error) ? String(error.details?.['subject']) : '';
              if (!HoldfastError.is(error, 'damaged') || parseObjectKey(rule)?.type !== tolerates) throw error;
            }
          }
        },
        reached: (signal) => real.reached(signal),
      };
      return reader;
    },
  };
}

function listsGoFirst(): Seams {
  return {
    sweepersBook: (real) => ({
      ...bookOf(real),
      read: async (signal) => {
        const lists = await real.read(signal);
        const now = await real.storeTime(signal);
        const due = (list: CondemnedList): boolean => list.at.getTime() + 86_400_000 <= now.getTime();
        for (const list of lists.filter(due)) await real.remove(list, signal);
        return lists;
      },
    }),
  };
}

/** Lists that nobody but this installation sees. */
function unpublished(): Seams {
  const own = new Map<Owner, CondemnedList[]>();
  return {
    sweepersBook: (real, owner) => ({
      ...bookOf(real),
      publish: async (objects, signal) => {
        const lists = await real.publish(objects, signal);
        for (const list of lists) await real.remove(list, signal);
        own.set(owner, [...(own.get(owner) ?? []), ...lists]);
        return lists;
      },
      read: async () => await Promise.resolve(own.get(owner) ?? []),
      remove: async (list) => {
        own.set(
          owner,
          (own.get(owner) ?? []).filter((each) => each !== list),
        );
        await Promise.resolve();
      },
    }),
  };
}

/** A sweep that takes for roots what its own catalog lists as live, and nobody else's. */
const ownRootsOnly: Seams = {
  sweepersStore: (real, { catalog }) => ({
    storeId: real.storeId,
    capabilities: real.capabilities,
    put: (key, body, options) => real.put(key, body, options),
    head: (key, options) => real.head(key, options),
    get: (key, options) => real.get(key, options),
    delete: (key, versionId, options) => real.delete(key, versionId, options),
    async *list(prefix, options) {
      for await (const page of real.list(prefix, options)) {
        yield page.filter(({ key }) => {
          const name = parseObjectKey(key);
          return name?.type !== 'manifest' || catalog.restorePoints.get(restorePointIdOf(name.objectId)) !== undefined;
        });
      }
    },
  }),
};

const mutants: readonly Mutant[] = [
  {
    rule: 'a run pins what it uploads',
    seed: 35,
    world: { owners: 1, seams: { ...alone, ...unaware() } },
    without: unpinnedUploads(),
  },
  {
    rule: 'a run pins what it hits',
    seed: 276,
    world: { owners: 1, seams: { ...alone, ...unaware() } },
    without: {
      pinHits: (owner, _actionId, keys) =>
        keys.filter((key) => !['present', undefined].includes(owner.catalog.objects.get(owner.locationId, key)?.state)),
    },
  },
  {
    rule: 'condemned packs are no target for deduplication',
    seed: 30,
    world: { owners: 1, seams: { ...alone, ...unaware() } },
    without: {
      pinHits: (owner, actionId, keys) => {
        for (const objectKey of keys) owner.catalog.runPins.pin({ actionId, locationId: owner.locationId, objectKey, reason: 'hit' });
        return [];
      },
      reliance: (_real, indexes) => ({ indexes, unusablePacks: [] }),
    },
  },
  { rule: 'what is pinned is not condemned', seed: 50, world: { owners: 1, seams: { ...alone, ...unaware() } }, without: unawareOfPins() },
  {
    rule: 'what a new restore point reaches is not deleted by what was read before',
    seed: 50,
    world: { owners: 1, seams: { ...alone, ...condemnsPinned } },
    without: unawareOfPins(),
  },
  { rule: 'a manifest that can not be read stops the sweep', seed: 57, world: { owners: 1, seams: {} }, without: tolerant('manifest') },
  { rule: 'an index that can not be read stops the sweep', seed: 8, world: { owners: 1, seams: {} }, without: tolerant('index') },
  { rule: 'what is condemned is published', seed: 42, world: { owners: 2, seams: {} }, without: unpublished() },
  { rule: 'manifests are listed again after the publication', seed: 13, world: { owners: 2, seams: {} }, without: staleReach() },
  { rule: 'a list stays until all that it names is gone', seed: 234, world: { owners: 2, seams: {} }, without: listsGoFirst() },
  { rule: 'every manifest counts that was not retired here', seed: 6, world: { owners: 2, seams: {} }, without: ownRootsOnly },
  { rule: 'a writer that has put its manifest reads the lists', seed: 234, world: { owners: 2, seams: {} }, without: alone },
  {
    rule: 'the gate extends what it lets pass, at a location with locks where no list is kept',
    seed: 100,
    world: { owners: 2, seams: {}, locks: { gate: 'extends', lists: false } },
    without: { locks: { gate: 'looks', lists: false } },
  },
  {
    rule: 'what is condemned is published, at a location with locks where the gate looks alone',
    seed: 100,
    world: { owners: 2, seams: {}, locks: { gate: 'looks', lists: true } },
    without: { locks: { gate: 'looks', lists: false } },
  },
  {
    rule: 'a run pins what it uploads, at a location with locks where the gate looks alone',
    seed: 58,
    world: { owners: 1, seams: { ...alone, ...unaware() }, locks: { gate: 'looks', lists: false } },
    without: unpinnedUploads(),
  },
];

function unpinnedUploads(): Seams {
  return {
    ledger: (real, owner) => ({
      uploading: async (object) => {
        const { catalog, locationId } = owner;
        const wasPinned = catalog.runPins.isPinned(locationId, object.key);
        catalog.runPins.pin = (pin) => {
          if (pin.objectKey !== object.key || wasPinned) Object.getPrototypeOf(catalog.runPins).pin.call(catalog.runPins, pin);
        };
        await real.uploading(object);
      },
      uploaded: (object) => real.uploaded(object),
      hits: (ids) => real.hits(ids),
    }),
  };
}

/** Transactions that do not ask whether the roots have moved. */
function unaware(): Seams {
  return {
    condemn: (owner, key, _isReached, found) => owner.catalog.realCondemn(key, () => false, found),
    beginDelete: (owner, key) => owner.catalog.realBeginDelete(key, () => false),
  };
}

/** And do not look at pins when they condemn. */
function unawareOfPins(): Seams {
  return {
    ...unaware(),
    condemn: (owner, key, _isReached, found) => withoutPin(owner, key, () => owner.catalog.realCondemn(key, () => false, found)),
  };
}

describe('garbage collection in a model of one and two installations', function () {
  this.timeout(600_000);
  const killed: string[] = [];
  after(() => {
    if (killed.length > 0) process.stdout.write(`\n${killed.join('\n')}\n`);
  });

  const worlds: readonly (readonly [string, World])[] = [
    ['one installation', { owners: 1, seams: {} }],
    ['one installation whose writers read no lists', { owners: 1, seams: alone }],
    ['two installations that share a store', { owners: 2, seams: {} }],
    ['one installation at a location with locks', { owners: 1, seams: {}, locks: { gate: 'extends', lists: false } }],
    ['two installations that share a location with locks', { owners: 2, seams: {}, locks: { gate: 'extends', lists: false } }],
  ];
  for (const [name, world] of worlds) {
    it(`F3 F1: no restore point is lost by backups, sweeps, crashes, suspends and clocks of ${name}`, async () => {
      const loss = await firstLoss(world, seeds);
      assert.equal(loss, undefined, `seed ${loss?.seed}: ${loss?.losses.join('; ')}`);
    });
  }

  for (const { rule, world, without, seed } of mutants) {
    it(`F3: is not safe without this rule: ${rule}`, async () => {
      const { locks = world.locks, ...seams } = without;
      const mutant = { owners: world.owners, seams: { ...world.seams, ...seams }, ...(locks === undefined ? {} : { locks }) };
      const loss = await firstLoss(mutant, mutantSeeds, seed);
      assert.ok(loss !== undefined, `${mutantSeeds} seeds lose nothing without it`);
      killed.push(`killed by seed ${String(loss.seed).padStart(4)}: without "${rule}"`);
    });
  }
});
