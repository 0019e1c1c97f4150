import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { VaultTransitAccess, VaultTransitTarget } from '../../daemon/keys/agent/keyAccess.ts';
import { ProcessKeyAgent } from '../../daemon/keys/agent/keyAgent.ts';
import type { CallSecrets, KeyCall } from '../../daemon/keys/agent/keyCall.ts';
import type { VaultTransitFacts } from '../../daemon/keys/agent/keyFacts.ts';
import type { KeyProblem } from '../../daemon/keys/agent/keyProblem.ts';
import type { KeyAct } from '../../daemon/keys/agent/keyService.ts';
import type { VaultTransitSlot } from '../../daemon/keys/slot.ts';
import { type InstallationId, idOf, type SlotId } from '../../protocol/ids.ts';
import type { OpenBaoServer } from './servers/openBaoServer.ts';

export interface VaultBenchOptions {
  readonly server: OpenBaoServer;
  /** Of the key agent: `bundleKeyAgent()`. */
  readonly entryPath: string;
  readonly key: string;
  readonly token: string;
  readonly access?: Partial<VaultTransitAccess>;
  readonly target?: Partial<VaultTransitTarget>;
}

/** A key at a real server, asked for by the real key agent in a process of its own. */
export class VaultBench {
  readonly target: VaultTransitTarget;
  readonly access: VaultTransitAccess;
  readonly installationId: InstallationId = idOf(randomUUID());
  readonly masterKeyId: string = randomBytes(16).toString('base64');
  readonly plaintext: Uint8Array = randomBytes(41);
  readonly #secrets: CallSecrets;
  readonly #agent: ProcessKeyAgent;

  constructor({ server, entryPath, key, token, access = {}, target = {} }: VaultBenchOptions) {
    this.target = { kind: 'vaultTransit', address: server.address, namespace: null, mount: 'transit', key, ...target };
    this.access = { kind: 'vaultTransit', login: { method: 'given' }, caFile: null, ...access };
    this.#agent = new ProcessKeyAgent({ entryPath, environment: { PATH: process.env['PATH'], HOME: '/nowhere' } });
    this.#secrets = { token: Buffer.from(token) };
  }

  async describe(): Promise<VaultTransitFacts> {
    return await this.#facts({ call: 'describe', target: this.target, access: this.access });
  }

  async act(act: KeyAct): Promise<VaultTransitFacts> {
    return await this.#facts({ call: 'act', target: this.target, access: this.access, act });
  }

  async wrap(): Promise<VaultTransitSlot> {
    const slotId = idOf<SlotId>(randomUUID());
    const binding = { installationId: this.installationId, masterKeyId: this.masterKeyId, slotId };
    using given = await this.#call({ call: 'wrap', target: this.target, access: this.access, binding }, { plaintext: this.plaintext });
    const { problem, wrapped } = given.answer;
    if (problem !== null) throw new Refusal(problem);
    assert.ok(wrapped !== null && wrapped.kind === 'vaultTransit' && 'address' in wrapped.reference);
    const { masterKeyId } = this;
    const { reference, wrapped: text } = wrapped;
    return { slotId, masterKeyId, kind: 'vaultTransit', keyEpoch: 1, createdAt: '2026-01-01T00:00:00.000Z', reference, wrapped: text };
  }

  /** What was unwrapped, as an array so that it can be compared. */
  async unwrap(slot: VaultTransitSlot): Promise<readonly number[]> {
    using given = await this.#call({ call: 'unwrap', slot, access: this.access, installationId: this.installationId });
    if (given.answer.problem !== null) throw new Refusal(given.answer.problem);
    assert.ok(given.plaintext !== undefined);
    return [...given.plaintext];
  }

  async #facts(call: KeyCall): Promise<VaultTransitFacts> {
    using given = await this.#call(call);
    const { problem, facts } = given.answer;
    if (problem !== null) throw new Refusal(problem);
    assert.equal(facts?.kind, 'vaultTransit');
    return facts;
  }

  #call(call: KeyCall, secrets: CallSecrets = {}): ReturnType<ProcessKeyAgent['call']> {
    return this.#agent.call(call, { ...this.#secrets, ...secrets }, new AbortController().signal);
  }
}

/** A call that a key service did not do. */
export class Refusal extends Error {
  readonly problem: KeyProblem;

  constructor(problem: KeyProblem) {
    super(`${problem.kind}: ${problem.reason}`);
    this.problem = problem;
  }
}

/** Why the key service did not do it. */
export async function refusalOf(doing: Promise<unknown>): Promise<KeyProblem> {
  try {
    await doing;
  } catch (error) {
    if (error instanceof Refusal) return error.problem;
    throw error;
  }
  assert.fail('it was not refused');
}
