import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { actionList, isEnded } from '../../protocol/methods/actions.ts';
import { passkeyAddPassphrase } from '../../protocol/methods/passkeys.ts';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';
import { compareTrees } from './compareTrees.ts';
import { type CrashScenario, passphrases } from './crashScenarios.ts';
import { succeeded } from './drivenDaemon.ts';
import { InProcessDaemon } from './inProcessDaemon.ts';
import type { SeededRandom } from './random.ts';

/** A restore point that was acknowledged, and a copy of what it was made from. */
interface Acknowledged {
  readonly id: string;
  readonly source: string;
}

/** An installation at paths that stay, since the catalog names the location by its path, and what is known of it. */
export class CrashBench implements Disposable {
  readonly folder: string = mkdtempSync(path.join(os.tmpdir(), 'hf-crash-'));
  readonly live: string = this.at('live');
  readonly state: string = this.at('live', 'state');
  readonly store: string = this.at('live', 'store');
  readonly source: string = this.at('source');
  readonly acknowledged: Acknowledged[] = [];
  readonly #random: SeededRandom;
  /** A copy of how `setUp` left all. */
  #base = '';
  #made = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  at(...parts: readonly string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** A path where nothing is yet. */
  newPath(): string {
    this.#made += 1;
    return this.at(`made-${this.#made}`);
  }

  /** Two passkeys, two acknowledged restore points, and a source that has changed since. */
  async setUp(): Promise<void> {
    await this.#fill();
    this.#base = this.newPath();
    copyFolder(this.live, this.#base);
  }

  async #fill(): Promise<void> {
    mkdirSync(this.source);
    mkdirSync(this.store, { recursive: true });
    await using daemon = await InProcessDaemon.start(this.state, { scrypt: new FakeScrypt() });
    await daemon.init(passphrases.main);
    await daemon.addLocation(this.store);
    const passphrase = daemon.secret(passphrases.spare);
    await daemon.call(passkeyAddPassphrase, { requestId: randomUUID(), name: 'spare', passphrase, useNow: false });
    await daemon.createPolicy(this.source);
    for (let run = 0; run < 2; run += 1) {
      this.changeSource();
      const { restorePointId } = await daemon.backUp();
      this.acknowledged.push({ id: restorePointId ?? '', source: this.keepSource() });
    }
    this.changeSource();
  }

  changeSource(): void {
    writeFileSync(path.join(this.source, 'text'), this.#random.text(20_000));
    writeFileSync(path.join(this.source, `file ${this.#random.below(1e9)}`), this.#random.bytes(30_000));
  }

  /** A copy of the source as it is now; node:fs does not keep the times of folders. */
  keepSource(): string {
    const kept = this.newPath();
    const { status, stderr } = spawnSync('cp', ['-a', this.source, kept], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return kept;
  }

  /** Makes the live folders those of a copy, or what `setUp` left. */
  putBack(kept: string = this.#base): void {
    rmSync(this.live, { recursive: true, force: true });
    copyFolder(kept, this.live);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

export function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}

/** The oracle for what a crash left: starts a daemon on the live folders and goes through all that must still hold. */
export async function assertSound(bench: CrashBench, scenario: CrashScenario, isAcknowledged: boolean): Promise<void> {
  const world = { scrypt: new FakeScrypt() };
  await using daemon = await InProcessDaemon.start(bench.state, world);
  await daemon.unlock(passphrases.main);

  // What was under way has failed, and says why.
  const { items } = await daemon.call(actionList, {});
  for (const { kind, state, error } of items) {
    assert.ok(isEnded(state), `${kind} is ${state}`);
    if (state !== 'complete') assert.deepEqual([state, error?.code], ['failed', 'daemonEnded']);
  }

  // Everything that was acknowledged is listed, and everything that is listed can be read.
  const listed = await daemon.restorePoints();
  const [before, after] = scenario.restorePoints;
  if (isAcknowledged) assert.equal(listed.length, after);
  else assert.ok(listed.length >= Math.min(before, after) && listed.length <= Math.max(before, after), `${listed.length} are listed`);
  for (const { id } of listed) succeeded(await daemon.verify(id));
  for (const { id, source } of bench.acknowledged.slice(-1)) await assertRestores(daemon, id, source, bench.newPath());

  // The next run goes on, and what it made is whole. What was there before was read above, and nothing is ever written over.
  const { restorePointId } = await daemon.backUp();
  await assertRestores(daemon, restorePointId ?? '', bench.source, bench.newPath());
  const now = await daemon.restorePoints();
  assert.equal(new Set(now.map(({ sequence }) => sequence)).size, now.length, 'no two restore points have one sequence');
  assert.equal(now[0]?.id, restorePointId);

  // Passphrases: those from before, and the new one from the moment on in which the user is told of it.
  const opening = [passphrases.main, ...(isAcknowledged ? scenario.opensAfter : [])];
  for (const passphrase of opening) await assertImports(bench, passphrase, now.length, isAcknowledged);
  if (!isAcknowledged) return;
  for (const passphrase of scenario.shutAfter) {
    await assert.rejects(daemon.unlock(passphrase), (error) => HoldfastError.is(error, 'wrongSecret'));
  }
}

async function assertRestores(daemon: InProcessDaemon, id: string, source: string, target: string): Promise<void> {
  succeeded(await daemon.restore(id, target));
  assert.deepEqual(compareTrees(source, target).differences, []);
  rmSync(target, { recursive: true });
}

async function assertImports(bench: CrashBench, passphrase: string, restorePoints: number, isAcknowledged: boolean): Promise<void> {
  const state = bench.newPath();
  await using daemon = await InProcessDaemon.start(state, { scrypt: new FakeScrypt() });
  const document = await daemon.importStored(bench.store, passphrase);
  assert.deepEqual(document.damaged, []);
  assert.ok(document.restorePoints >= restorePoints);
  const found = await daemon.restorePoints();
  assert.equal(new Set(found.map(({ sequence }) => sequence)).size, found.length, 'no two manifests of one sequence in the store');
  const [newest] = found;
  if (isAcknowledged) succeeded(await daemon.verify(newest?.id ?? ''));
  rmSync(state, { recursive: true });
}
