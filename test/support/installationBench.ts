import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCatalog } from '../../daemon/catalog/openCatalog.ts';
import { Installation } from '../../daemon/installation/installation.ts';
import { type FileSystem, nodeFileSystem } from '../../daemon/locations/fileAccess.ts';
import type { ObjectStore } from '../../daemon/locations/objectStore.ts';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';
import type { LocationId } from '../../protocol/ids.ts';
import { FakeKeyAgent } from './fakeKeyAgent.ts';

const never: AbortSignal = new AbortController().signal;

export interface BenchOptions {
  readonly fileSystem?: FileSystem;
  /** Of another installation, so that its keys are there too. */
  readonly keyAgent?: FakeKeyAgent;
  /** Of the daemon; nothing where left out. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A state directory that is gone on with: a copy of it. */
  readonly stateFrom?: string;
}

/** An installation on a real disk, with a scrypt that costs nothing and clocks that stand still until they are set. */
export class InstallationBench implements Disposable {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), 'hf-bench-'));
  readonly state: string = this.at('state');
  readonly scrypt: FakeScrypt = new FakeScrypt();
  readonly keyAgent: FakeKeyAgent;
  readonly changes: string[] = [];
  /** Milliseconds that were slept before attempts to unlock. */
  readonly slept: number[] = [];
  readonly installation: Installation;
  now: Date = new Date('2026-01-02T03:04:05.678Z');
  /** Monotonic, in milliseconds. */
  monotonic = 0;

  constructor(options: BenchOptions = {}) {
    this.keyAgent = options.keyAgent ?? new FakeKeyAgent();
    mkdirSync(this.state, { mode: 0o700 });
    if (options.stateFrom !== undefined) cpSync(options.stateFrom, this.state, { recursive: true });
    this.installation = new Installation({
      catalog: openCatalog(path.join(this.state, 'catalog.db')),
      stateDirectory: this.state,
      fileSystem: options.fileSystem ?? nodeFileSystem,
      scrypt: this.scrypt,
      keyAgent: this.keyAgent,
      environment: options.environment ?? {},
      unlockClock: {
        now: () => this.monotonic,
        sleep: async (milliseconds) => {
          this.slept.push(milliseconds);
          this.monotonic += milliseconds;
        },
      },
      wallClock: () => this.now,
      onStateChanged: () => void this.changes.push('state'),
      onPasskeyChanged: () => void this.changes.push('passkey'),
      onLocationChanged: () => void this.changes.push('location'),
      onUndelivered: () => void this.changes.push('undelivered'),
    });
  }

  /** Set up with a passphrase passkey "main", unlocked. */
  static async ready(options: BenchOptions = {}): Promise<InstallationBench> {
    const bench = new InstallationBench(options);
    await bench.installation.setUp('main', { kind: 'passphrase', passphrase: Buffer.from('right') }, never);
    return bench;
  }

  at(...parts: readonly string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** A new location in the folder of that name; throws where a check failed. */
  async addLocation(name = 'store'): Promise<LocationId> {
    const saved = await this.installation.locations.add({ name, spec: { kind: 'filesystem', path: this.at(name) } }, never);
    if (saved.location === null) throw new Error(JSON.stringify(saved.checks));
    return this.installation.locations.resolve(name).locationId;
  }

  open(locationId: LocationId): Promise<ObjectStore> {
    return this.installation.locations.open(locationId);
  }

  [Symbol.dispose](): void {
    this.installation[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
