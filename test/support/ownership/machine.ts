import type { ObjectStore } from '../../../daemon/locations/objectStore.ts';
import {
  nothingKnown,
  type OwnershipMemories,
  type OwnershipMemory,
  type OwnershipState,
  ownershipState,
} from '../../../daemon/recovery/ownership/ownershipMemory.ts';
import { OwnershipWatch } from '../../../daemon/recovery/ownership/ownershipWatch.ts';
import { takeOwnership } from '../../../daemon/recovery/ownership/takeOwnership.ts';
import type { TermPlace } from '../../../daemon/recovery/ownership/termReader.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { modelCodec } from './modelCodec.ts';
import { type Caller, done, type ModelAnswer, type ModelCall, type ModelOptions, type ModelStore, storeOver } from './modelStore.ts';

/** What is wrong with a machine on purpose, to see that the test notices. */
export interface Fault {
  readonly store?: (store: ObjectStore) => ObjectStore;
  readonly memories?: (memories: OwnershipMemories) => OwnershipMemories;
  /** It does not wait where the store has no conditional puts. */
  readonly isHasty?: boolean;
}

export interface MachineOptions {
  readonly name: string;
  readonly store: ModelOptions;
  readonly keyOf: (n: number) => string;
  readonly fault: Fault;
  /** As it was when this machine looked first. */
  readonly former?: ModelStore;
}

export class MemoryInMemory implements OwnershipMemories {
  #memory: OwnershipMemory;

  constructor(memory: OwnershipMemory = nothingKnown) {
    this.#memory = memory;
  }

  get(): OwnershipMemory {
    return this.#memory;
  }

  change(change: (memory: OwnershipMemory) => OwnershipMemory): OwnershipMemory {
    this.#memory = change(this.#memory);
    return this.#memory;
  }
}

const signal = new AbortController().signal;

/** `lookAgain`: the look of a daemon that has looked before, when the location was as it took it. */
export type Program = 'take' | 'look' | 'lookThoroughly' | 'lookAgain';

/** How far a machine is: what it waits for, or how it ended. It follows from what it was told. */
export type Position =
  | { readonly call: ModelCall }
  | { readonly call: undefined; readonly memory: OwnershipMemory; readonly end: OwnershipState | HoldfastError };

/** Runs a program to its end, or until there is no answer to its call. */
async function run(options: MachineOptions, program: Program, memory: OwnershipMemory, answers: readonly ModelAnswer[]): Promise<Position> {
  const memories = new MemoryInMemory(memory);
  let next = 0;
  return await new Promise<Position>((resolve) => {
    const caller: Caller = async (call) => {
      const answer = answers[next];
      next += 1;
      if (answer !== undefined) return answer;
      resolve({ call });
      return await new Promise<ModelAnswer>(() => undefined);
    };
    const end = (reached: OwnershipState | HoldfastError): void => resolve({ call: undefined, memory: memories.get(), end: reached });
    perform(options, program, memories, caller).then(end, (error: unknown) => {
      end(error instanceof HoldfastError ? error : HoldfastError.unforeseen('run', error));
    });
  });
}

/** Runs a program with nobody in between. */
export async function runAlone(
  options: MachineOptions,
  program: Program,
  memory: OwnershipMemory,
  before: ModelStore,
): Promise<{ readonly state: OwnershipState; readonly memory: OwnershipMemory; readonly store: ModelStore }> {
  const memories = new MemoryInMemory(memory);
  let store = before;
  const state = await perform(options, program, memories, (call) => {
    const { answer, store: after } = done(store, call);
    store = after;
    return Promise.resolve(answer);
  });
  return { state, memory: memories.get(), store };
}

async function perform(
  { name, store: storeOptions, keyOf, fault, former }: MachineOptions,
  program: Program,
  inMemory: OwnershipMemories,
  caller: Caller,
): Promise<OwnershipState> {
  const memories = fault.memories?.(inMemory) ?? inMemory;
  let isBefore = program === 'lookAgain' && former !== undefined;
  const plain = storeOver(storeOptions, (call) =>
    isBefore && former !== undefined ? Promise.resolve(done(former, call).answer) : caller(call),
  );
  const place: TermPlace = { store: fault.store?.(plain) ?? plain, codec: modelCodec(name, keyOf), signal };
  if (program !== 'take') {
    const watch = new OwnershipWatch(memories);
    if (isBefore) await watch.look(place);
    isBefore = false;
    await watch.look(place, { isThorough: program === 'lookThoroughly' });
    return ownershipState(memories.get());
  }
  const sleep = async (): Promise<void> => {
    if (fault.isHasty !== true) await caller({ verb: 'sleep' });
  };
  const take = async (): Promise<OwnershipState> => {
    const { state } = await takeOwnership(place, { machineId: name, bundle: null, isConfirmed: true, memories, sleep });
    return state;
  };
  try {
    return await take();
  } catch (error) {
    // Who hears nothing tries again, once.
    if (!HoldfastError.is(error, 'storeUnreachable')) throw error;
    return await take();
  }
}

/** One situation of a machine. The same answers lead to the same one. */
export class MachineNode {
  readonly id: number;
  readonly position: Position;
  /** Neither told of a put nor without an answer to one since the program, or its second try, began. */
  readonly isBeforePut: boolean;
  readonly isStart: boolean;
  readonly #answers: readonly ModelAnswer[];
  readonly #next: Map<string, Promise<MachineNode>> = new Map();
  readonly #tree: MachineTree;

  constructor(tree: MachineTree, id: number, position: Position, answers: readonly ModelAnswer[], isBeforePut: boolean) {
    this.#tree = tree;
    this.id = id;
    this.position = position;
    this.#answers = answers;
    this.isBeforePut = isBeforePut;
    this.isStart = answers.length === 0;
  }

  async after(answer: ModelAnswer): Promise<MachineNode> {
    const told = JSON.stringify(answer);
    const known = this.#next.get(told);
    if (known !== undefined) return await known;
    const isPut = this.position.call?.verb === 'put';
    const made = this.#tree.grow([...this.#answers, answer], isPut ? answer.kind === 'nothing' : this.isBeforePut);
    this.#next.set(told, made);
    return await made;
  }
}

/** All situations that a program can come to. */
export class MachineTree {
  readonly options: MachineOptions;
  readonly #program: Program;
  readonly #memory: OwnershipMemory;
  /** What has ended in the same way is the same. */
  readonly #ends: Map<string, MachineNode> = new Map();
  #count = 0;

  constructor(options: MachineOptions, program: Program, memory: OwnershipMemory) {
    this.options = options;
    this.#program = program;
    this.#memory = memory;
  }

  async grow(answers: readonly ModelAnswer[], isBeforePut: boolean): Promise<MachineNode> {
    const position = await run(this.options, this.#program, this.#memory, answers);
    const ended = position.call === undefined ? JSON.stringify([position.memory, String(position.end)]) : undefined;
    const known = ended === undefined ? undefined : this.#ends.get(ended);
    if (known !== undefined) return known;
    this.#count += 1;
    const node = new MachineNode(this, this.#count, position, answers, isBeforePut);
    if (ended !== undefined) this.#ends.set(ended, node);
    return node;
  }
}
