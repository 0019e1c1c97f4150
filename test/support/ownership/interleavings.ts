import { mayChange, nothingKnown, type OwnershipMemory, ownershipState } from '../../../daemon/recovery/ownership/ownershipMemory.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type Fault, type MachineNode, type MachineOptions, MachineTree, type Program, runAlone } from './machine.ts';
import { guessedKey, junk, keyedKey, termNumberOf } from './modelCodec.ts';
import { done, type ModelCall, type ModelOptions, ModelStore } from './modelStore.ts';

export interface Scene {
  readonly store: ModelOptions;
  /** `unclaimed`: both take the location. `owned`: the first machine has taken it, and looks; `watched`: it looks not for the first time. */
  readonly start: 'unclaimed' | 'owned' | 'watched';
  /** So many acts of the attacker, whichever, at whatever time. */
  readonly acts: number;
  /** Names hold no secret. */
  readonly isUnkeyed?: boolean;
  /** Somebody has read the names of terms that are not there yet, out of the logs of a store. */
  readonly isLeaky?: boolean;
  /** Nobody is held up between the look at what is there and the sending of his put. */
  readonly isSwift?: boolean;
  /** What is wrong with both machines. */
  readonly fault?: Fault;
}

export interface Explored {
  /** Situations that differ. */
  readonly situations: number;
  /** Steps from one to another. */
  readonly steps: number;
  /** Situations in which both machines were through. */
  readonly ends: number;
}

/** Something that must never be, and how it came to it. */
export class Breach extends Error {
  override readonly name = 'Breach';
}

/** One situation of all: it says what can happen from here on. */
interface Situation {
  readonly store: ModelStore;
  readonly machines: readonly [MachineNode, MachineNode];
  /** Puts that their senders have given up, and that still may arrive. */
  readonly inFlight: readonly ModelCall[];
  readonly actsLeft: number;
  /** Whether somebody was not told what became of a put. */
  readonly wasSilent: boolean;
  /** For each machine that waits: where the other one was when it began to, if that had a put under way. */
  readonly awaited: readonly [number, number];
  /** Whether the second machine owned the location before the first began to look. */
  readonly sawOtherOwner: boolean;
  /** The highest term that was there when each machine looked last. */
  readonly highest: readonly [number, number];
  readonly before: Situation | undefined;
  readonly label: string;
}

/**
 * Every order of the single calls of two machines and the acts of an attacker, until both machines are through and the attacker is as well. Of orders that lead to the same
 * situation (what the store holds, what each machine was told, what is under way) one is gone on with. Rejects with `Breach`.
 */
export async function exploreAll(scene: Scene): Promise<Explored> {
  return await new Exploration(scene).run();
}

class Exploration {
  readonly #scene: Scene;
  readonly #seen: Set<string> = new Set();
  readonly #ended: Set<string> = new Set();
  readonly #options: readonly [MachineOptions, MachineOptions];
  #former: ModelStore;
  #steps = 0;

  constructor(scene: Scene) {
    const { store, isUnkeyed = false, fault = {} } = scene;
    this.#scene = scene;
    this.#former = new ModelStore(store);
    const options = { store, keyOf: isUnkeyed ? guessedKey : keyedKey, fault };
    this.#options = [
      { ...options, name: 'A' },
      { ...options, name: 'B' },
    ];
  }

  async run(): Promise<Explored> {
    const open = [await this.#start()];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const name = nameOf(at);
      if (this.#seen.has(name)) continue;
      this.#seen.add(name);
      this.#check(at);
      if (isOver(at)) await this.#checkEnd(at);
      const next = await this.#next(at);
      this.#steps += next.length;
      open.push(...next);
    }
    return { situations: this.#seen.size, steps: this.#steps, ends: this.#ended.size };
  }

  async #start(): Promise<Situation> {
    const [first, second] = this.#options;
    const { start } = this.#scene;
    let store = new ModelStore(this.#scene.store);
    let memory = nothingKnown;
    if (start !== 'unclaimed') ({ store, memory } = await runAlone(first, 'take', memory, store));
    this.#former = store;
    const program: Program = start === 'unclaimed' ? 'take' : start === 'owned' ? 'look' : 'lookAgain';
    const machines = [
      await new MachineTree({ ...first, former: store }, program, memory).grow([], true),
      await new MachineTree(second, 'take', nothingKnown).grow([], true),
    ] as const;
    const rest = {
      inFlight: [],
      actsLeft: this.#scene.acts,
      wasSilent: false,
      awaited: [0, 0],
      sawOtherOwner: false,
      highest: [0, 0],
    } as const;
    return { store, machines, ...rest, before: undefined, label: 'they begin' };
  }

  async #next(at: Situation): Promise<readonly Situation[]> {
    const moves = await Promise.all(([0, 1] as const).map((who) => this.#moves(at, who)));
    const landings = at.inFlight.map((put, index) => {
      const { store } = done(at.store, put);
      return { ...at, store, inFlight: at.inFlight.toSpliced(index, 1), before: at, label: 'a put arrives late' };
    });
    return [...moves.flat(), ...landings, ...(at.actsLeft > 0 ? this.#attacks(at) : [])];
  }

  async #moves(at: Situation, who: 0 | 1): Promise<readonly Situation[]> {
    const node = at.machines[who];
    const { name } = this.#options[who];
    const { call } = node.position;
    if (call === undefined) return [];
    const other = at.machines[1 - who];
    // A request is over before its time: by then every put has arrived that was under way when the waiting began.
    if (call.verb === 'sleep' && other !== undefined && at.awaited[who] === other.id) return [];
    const moves = [await this.#granted(at, who)];
    if (call.verb !== 'put' || at.actsLeft === 0) return moves;
    const silent = {
      ...at,
      actsLeft: at.actsLeft - 1,
      wasSilent: true,
      machines: withOne(at.machines, who, await node.after({ kind: 'nothing' })),
    };
    moves.push({ ...silent, inFlight: [...at.inFlight, call], before: at, label: `${name}: its put is held up` });
    moves.push({ ...silent, store: done(at.store, call).store, before: at, label: `${name}: its put is done, and not answered` });
    return moves;
  }

  async #granted(at: Situation, who: 0 | 1): Promise<Situation> {
    const { name } = this.#options[who];
    let { store } = at;
    let node = at.machines[who];
    let label = `${name}:`;
    let highest = at.highest[who];
    do {
      const { call } = node.position;
      if (call === undefined) break;
      const result = done(store, call);
      label += ` ${told(call)}`;
      ({ store } = result);
      // What was there when a key was listed is read afterwards.
      if (call.verb === 'list' || !this.#scene.store.versions) highest = this.#highest(store);
      node = await node.after(result.answer);
    } while (this.#scene.isSwift === true && node.isBeforePut && node.position.call?.verb !== 'put');
    const machines = withOne(at.machines, who, node);
    const isFirstLook = who === 0 && at.machines[0].isStart && this.#scene.start !== 'unclaimed';
    const other = at.machines[who === 0 ? 1 : 0];
    const awaits = node.position.call?.verb === 'sleep' && other.position.call?.verb === 'put' ? other.id : 0;
    // Of a machine that is through nothing more is asked.
    const isThrough = node.position.call === undefined;
    const next = {
      ...at,
      store,
      machines,
      awaited: withOne(at.awaited, who, awaits),
      highest: withOne(at.highest, who, isThrough ? 0 : highest),
      sawOtherOwner: isFirstLook ? ownsBy(at.machines[1]) > 0 : at.sawOtherOwner,
      before: at,
      label,
    };
    const isTake = who === 1 || this.#scene.start === 'unclaimed';
    if (isTake && this.#scene.store.isLocked && ownsBy(node) > 0 && highest > ownsBy(node)) {
      throw breach(next, `${name} believes to own by term ${ownsBy(node)}, and a higher one is there`);
    }
    return next;
  }

  #attacks(at: Situation): readonly Situation[] {
    const { isLeaky = false, isUnkeyed = false, store: options } = this.#scene;
    const isSoft = !options.isLocked;
    const { keys } = at.store;
    const act = (label: string, store: ModelStore | undefined): readonly Situation[] =>
      store === undefined ? [] : [{ ...at, store, actsLeft: at.actsLeft - 1, before: at, label: `the attacker ${label}` }];
    // Of names that are none of terms one stands for all.
    const names = isUnkeyed ? [1, 2].map(guessedKey) : isLeaky ? [1, 2].map(keyedKey) : [guessedKey(1)];
    const known = names.filter((key) => !keys.includes(key));
    const over = (options.versions || isSoft ? keys : []).filter((key) => this.#options[0].keyOf(Number(key[2])) === key);
    return [
      ...known.flatMap((key) => act(`puts junk under ${key}`, at.store.put(key, junk('squat'), false))),
      ...over.flatMap((key) => act(`puts junk over ${key}`, at.store.put(key, junk('over'), false))),
      ...over.flatMap((key) => (options.versions ? act(`puts a marker over ${key}`, at.store.put(key, undefined, false)) : [])),
      ...over.flatMap((key) =>
        keys.flatMap((from) => {
          const term = at.store.versionsOf(from).find(({ body }) => termNumberOf(body) > 0)?.body;
          return term === undefined ? [] : act(`copies ${from} over ${key}`, at.store.put(key, term, false));
        }),
      ),
      ...(isSoft ? keys : []).flatMap((key) =>
        at.store.versionsOf(key).flatMap(({ versionId }) => act(`deletes ${key} ${versionId}`, at.store.delete(key, versionId))),
      ),
    ];
  }

  /** What holds in every situation where versions cannot be deleted. */
  #check(at: Situation): void {
    const [first, second] = at.machines;
    for (const { position } of at.machines) {
      if (position.call === undefined && HoldfastError.is(position.end, 'failed')) throw position.end;
    }
    if (this.#scene.store.isLocked && ownsBy(first) > 0 && ownsBy(first) === ownsBy(second)) {
      throw breach(at, `two owners by term ${ownsBy(first)}`);
    }
    if (this.#scene.store.isLocked && at.sawOtherOwner && ownsBy(first) > 0 && first.position.call === undefined) {
      throw breach(at, 'the former owner has looked, and does not see that it is none any more');
    }
  }

  /** When both are through, and nothing is under way. */
  async #checkEnd(at: Situation): Promise<void> {
    const memories = at.machines.map(memoryOf);
    const name = JSON.stringify([at.store.fingerprint, at.wasSilent, memories]);
    if (this.#ended.has(name)) return;
    this.#ended.add(name);
    const isSoft = !this.#scene.store.isLocked;
    const hasOwner = memories.some((memory) => ownershipState(memory) === 'owner');
    if (!hasOwner && !at.wasSilent && !isSoft) throw breach(at, 'nobody owns the location, although nothing was held back');
    let after = await this.#lookAround(at, at.store, memories, hasOwner && !at.wasSilent && !isSoft ? 1 : 0);
    let { store } = at;
    if (isSoft) {
      // Whoever may delete takes the highest term away, and then all.
      const highest = this.#options[0].keyOf(this.#highest(store));
      const left = store.versionsOf(highest).reduce((rest, { versionId }) => rest.delete(highest, versionId), store);
      if (this.#scene.start === 'watched') await this.#takeUnseen(at, left, memories);
      after = await this.#lookAround(at, left, after, 0);
      store = new ModelStore(store.options);
      after = await this.#lookAround(at, store, after, 0);
    }
    await this.#takeAgain(at, store, after);
  }

  /** Each looks at what is there, then there is one owner at most. */
  async #lookAround(
    at: Situation,
    store: ModelStore,
    memories: readonly OwnershipMemory[],
    least: number,
  ): Promise<readonly OwnershipMemory[]> {
    const after: OwnershipMemory[] = [];
    for (const [index, memory] of memories.entries()) after.push((await runAlone(this.#optionsOf(index), 'look', memory, store)).memory);
    const owners = after.filter((memory) => ownershipState(memory) === 'owner').length;
    if (owners > 1 || owners < least) throw breach(at, `after each has looked, there are ${owners} owners`);
    const isBack = after.some(
      (memory, index) => mayChange(ownershipState(memory)) && !mayChange(ownershipState(memories[index] ?? memory)),
    );
    if (isBack) throw breach(at, 'one that was no owner any more became it again by looking');
    return after;
  }

  /** Nothing that anybody did before keeps the next one from taking the location, and the other one sees that it did. */
  async #takeAgain(at: Situation, before: ModelStore, memories: readonly OwnershipMemory[]): Promise<void> {
    const [mine = nothingKnown, others = nothingKnown] = memories;
    const [first, second] = this.#options;
    try {
      const { state, store } = await runAlone(second, 'take', others, before);
      if (state !== 'owner') throw breach(at, `undisturbed, B is ${state}`);
      const seen = await runAlone(first, 'lookThoroughly', mine, store);
      if (mayChange(seen.state)) throw breach(at, `B has taken the location, and A is still ${seen.state}`);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      throw breach(at, `undisturbed, B cannot take the location: ${error.message}`);
    }
  }

  /** The highest term is gone before the first machine has looked, and the second one takes the location again. */
  async #takeUnseen(
    at: Situation,
    left: ModelStore,
    [mine = nothingKnown, others = nothingKnown]: readonly OwnershipMemory[],
  ): Promise<void> {
    const [first, second] = this.#options;
    const { state, store } = await runAlone(second, 'take', others, left);
    const seen = await runAlone({ ...first, former: this.#former }, 'lookAgain', mine, store);
    if (state === 'owner' && mayChange(seen.state)) throw breach(at, `B has taken the location anew, and A is still ${seen.state}`);
  }

  #optionsOf(index: number): MachineOptions {
    return index === 0 ? this.#options[0] : this.#options[1];
  }

  #highest(store: ModelStore): number {
    const numbers = store.keys.flatMap((key) =>
      store.versionsOf(key).flatMap(({ body }) => {
        const n = termNumberOf(body);
        return n > 0 && this.#options[0].keyOf(n) === key ? [n] : [];
      }),
    );
    return Math.max(0, ...numbers);
  }
}

function nameOf({ store, machines, inFlight, actsLeft, wasSilent, awaited, sawOtherOwner, highest }: Situation): string {
  const ids = machines.map(({ id }) => id);
  return [store.fingerprint, ids, inFlight.map(told), actsLeft, wasSilent, awaited, sawOtherOwner, highest].join('|');
}

function isOver({ machines, inFlight }: Situation): boolean {
  return inFlight.length === 0 && machines.every(({ position }) => position.call === undefined);
}

function withOne<One>([first, second]: readonly [One, One], who: 0 | 1, one: One): readonly [One, One] {
  return who === 0 ? [one, second] : [first, one];
}

function memoryOf({ position }: MachineNode): OwnershipMemory {
  return position.call === undefined ? position.memory : nothingKnown;
}

/** The number of the term by which a machine that is through believes to own; 0 where it does not. */
function ownsBy(node: MachineNode): number {
  const memory = memoryOf(node);
  return ownershipState(memory) === 'owner' ? (memory.mine?.n ?? 0) : 0;
}

function told(call: ModelCall): string {
  switch (call.verb) {
    case 'put':
      return `puts ${call.key} ${call.body.trim()}`;
    case 'get':
      return `reads ${call.key} ${call.versionId ?? ''}`;
    case 'list':
      return `lists ${call.prefix}`;
    case 'sleep':
      return 'waits';
  }
}

function breach(at: Situation, what: string): Breach {
  const labels: string[] = [];
  for (let one: Situation | undefined = at; one !== undefined; one = one.before) labels.unshift(one.label);
  return new Breach(`${what}\n${labels.join('\n')}\nThe store holds:\n${at.store.fingerprint.replaceAll(/ +/g, ' ')}`);
}
