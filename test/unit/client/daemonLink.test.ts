import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DaemonConnection } from '../../../client/connection.ts';
import { DaemonLink } from '../../../client/daemonLink.ts';
import type { LinkState } from '../../../client/reconnect.ts';
import { endpointFileName } from '../../../protocol/endpoint.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { echo, TestChannel, within } from '../../support/channel.ts';

/** A link whose attempts are scripted, and its states as they come. */
class ScriptedLink implements AsyncDisposable {
  readonly folder: string = mkdtempSync(path.join(os.tmpdir(), 'hf-link-'));
  readonly link: DaemonLink;
  readonly states: LinkState['name'][] = [];
  #connection: DaemonConnection | undefined;
  #error: HoldfastError | undefined;
  #wanted: { readonly name: LinkState['name']; readonly resolve: () => void } | undefined;

  constructor(connect: () => Promise<DaemonConnection | undefined>) {
    this.link = new DaemonLink({
      stateDirectory: this.folder,
      connect,
      // The longest wait there is at each step: only an event can cut it short in time.
      random: () => 0.999,
      onState: (state, connection, error) => {
        this.states.push(state.name);
        this.#connection = connection;
        this.#error = error;
        if (this.#wanted?.name === state.name) this.#wanted.resolve();
      },
    });
  }

  connection(): DaemonConnection | undefined {
    return this.#connection;
  }

  error(): HoldfastError | undefined {
    return this.#error;
  }

  async reach(name: LinkState['name']): Promise<void> {
    if (this.states.at(-1) === name) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wanted = { name, resolve };
    await within(10_000, promise);
  }

  /** As a daemon does that has just begun to listen. */
  changeEndpoint(): void {
    const file = path.join(this.folder, endpointFileName);
    writeFileSync(`${file}.tmp`, '{}');
    renameSync(`${file}.tmp`, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true });
  }
}

describe('daemon link', () => {
  it('W10: comes back after its daemon went away', async () => {
    await using first = await TestChannel.start();
    await using second = await TestChannel.start();
    let current = first;
    await using scripted = new ScriptedLink(() => current.connect());
    await scripted.reach('connected');
    assert.deepEqual(await scripted.connection()?.call(echo, { text: 'one' }), { text: 'one' });
    current = second;
    await first[Symbol.asyncDispose]();
    await scripted.reach('waiting');
    assert.equal(scripted.connection(), undefined);
    await scripted.reach('connected');
    assert.deepEqual(await scripted.connection()?.call(echo, { text: 'two' }), { text: 'two' });
  });

  it('tries at once when a new endpoint file is written, also after something that another try alone cannot mend', async () => {
    await using channel = await TestChannel.start();
    let refuses = true;
    await using scripted = new ScriptedLink(() =>
      refuses ? Promise.reject(new HoldfastError('versionMismatch', 'Failed to talk to the daemon: too old.')) : channel.connect(),
    );
    await scripted.reach('stopped');
    refuses = false;
    scripted.changeEndpoint();
    await scripted.reach('connected');
    assert.deepEqual(scripted.states, ['connecting', 'stopped', 'connecting', 'connected']);
  });

  it('says why an attempt failed, also where nobody foresaw it', async () => {
    const cause = new TypeError('x is not a function');
    await using scripted = new ScriptedLink(() => Promise.reject(cause));
    await scripted.reach('waiting');
    assert.equal(scripted.error()?.message, 'Failed to connect to the daemon: something went wrong that was not foreseen.');
    assert.equal(scripted.error()?.cause, cause);
    assert.ok(scripted.error()?.fix);
  });

  it('closes what it had when it is disposed, and stays so', async () => {
    await using channel = await TestChannel.start();
    const scripted = new ScriptedLink(() => channel.connect());
    await scripted.reach('connected');
    const connection = scripted.connection();
    await scripted[Symbol.asyncDispose]();
    assert.equal(connection?.isClosed, true);
    assert.deepEqual(scripted.link.state, { name: 'stopped', reason: 'disposed' });
  });
});
