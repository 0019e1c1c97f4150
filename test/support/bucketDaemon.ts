import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Catalog } from '../../daemon/catalog/catalog.ts';
import { openCatalog } from '../../daemon/catalog/openCatalog.ts';
import type { KeyAgent } from '../../daemon/keys/agent/keyAgent.ts';
import { isEnded } from '../../protocol/methods/actions.ts';
import { type GarbageDocument, garbageDocument, locationCollectGarbage } from '../../protocol/methods/garbage.ts';
import { immutabilityStatus } from '../../protocol/methods/immutability.ts';
import { locationAdd, type S3KeysSecret, type LockMode } from '../../protocol/methods/locations.ts';
import { type InitKey, sessionInit, sessionUnlock } from '../../protocol/methods/session.ts';
import { type PolicyCreateParams, policyCreate, usualRunRules, usualSourceRules } from '../../protocol/methods/policies.ts';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';
import { bucketConnection } from './bucket/bucketConnection.ts';
import type { VersionedStore } from './bucket/bucketStore.ts';
import { MemoryBucket, type MemoryBucketOptions } from './bucket/memoryBucket.ts';
import { WorldClock } from './bucket/worldClock.ts';
import { compareTrees } from './compareTrees.ts';
import { succeeded } from './drivenDaemon.ts';
import { InProcessDaemon } from './inProcessDaemon.ts';
import { SeededRandom } from './random.ts';

export interface BucketDaemonOptions {
  readonly bucket?: Omit<MemoryBucketOptions, 'now' | 'start'>;
  /** Days. */
  readonly protectionPeriod?: number;
  readonly lockMode?: LockMode;
  /** Handed over and sealed in the catalog; where left out the credentials come from the chain. */
  readonly keys?: S3KeysSecret;
  readonly seed?: number;
  /** When the world's clocks begin: where somebody looks on who goes by a clock of his own. */
  readonly start?: string;
  /** Set up on it, in place of a passphrase. */
  readonly key?: InitKey;
  /** Asks key services; a process for each call where left out. */
  readonly keyAgent?: KeyAgent;
}

const passphrase = 'the passphrase';
const hourMs = 3_600_000;

/**
 * All of the daemon with an immutable location "store" in a bucket in memory, a folder as source, and a policy "files". The bucket's clock, the machine's clocks
 * and all timers of the daemon are one world's, which the test moves.
 */
export class BucketDaemon implements AsyncDisposable {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), 'hf-bucket-'));
  readonly state: string = path.join(this.folder, 'state');
  readonly source: string = path.join(this.folder, 'source');
  readonly clock: WorldClock;
  readonly bucket: MemoryBucket;
  readonly random: SeededRandom;
  /** Where no key was given. */
  readonly passphrase: string = passphrase;
  /** A copy of what each acknowledged restore point was made from, by its id. */
  readonly kept: Map<string, string> = new Map();
  /** Put around each store that the daemon opens from now on. */
  wrap: (store: VersionedStore) => VersionedStore = (store) => store;
  #daemon: InProcessDaemon | undefined;
  #catalog: Catalog | undefined;
  readonly #key: InitKey | undefined;
  readonly #keyAgent: KeyAgent | undefined;
  #made = 0;

  constructor(options: BucketDaemonOptions = {}) {
    this.clock = new WorldClock(options.start);
    this.bucket = new MemoryBucket({ ...options.bucket, now: () => this.clock.storeMs });
    this.random = new SeededRandom(options.seed ?? 1);
    this.#key = options.key;
    this.#keyAgent = options.keyAgent;
    mkdirSync(this.source);
  }

  /** Set up and unlocked, with location, policy and something to back up. */
  static async ready(options: BucketDaemonOptions = {}): Promise<BucketDaemon> {
    const made = new BucketDaemon(options);
    await made.start();
    const { key } = options;
    if (key === undefined) await made.daemon.init(passphrase);
    else await made.daemon.call(sessionInit, { requestId: randomUUID(), passkeyName: 'first', key });
    const { keys, protectionPeriod = 30, lockMode } = options;
    const spec = {
      kind: 's3',
      bucket: 'backups',
      region: made.bucket.region,
      credentials: { source: keys === undefined ? 'chain' : 'sealed' },
    } as const;
    const { location, checks } = await made.daemon.call(locationAdd, {
      name: 'store',
      spec,
      protectionPeriodDays: protectionPeriod,
      ...(lockMode === undefined ? {} : { lockMode }),
      ...(keys === undefined ? {} : { keys: made.daemon.secret(JSON.stringify(keys)) }),
    });
    if (location === null) throw new Error(JSON.stringify(checks));
    made.changeSource();
    await made.createPolicy('files');
    await made.idle();
    return made;
  }

  get daemon(): InProcessDaemon {
    if (this.#daemon === undefined) throw new Error('the daemon has ended');
    return this.#daemon;
  }

  /** The daemon's own, for what a test looks at or spoils. */
  get catalog(): Catalog {
    if (this.#catalog === undefined) throw new Error('the daemon has ended');
    return this.#catalog;
  }

  get locationId(): ReturnType<Catalog['locations']['list']>[number]['locationId'] {
    const [location] = this.catalog.locations.list();
    if (location === undefined) throw new Error('there is no location');
    return location.locationId;
  }

  /** A daemon on this state directory; locked where one was set up. */
  async start(): Promise<void> {
    this.#daemon = await InProcessDaemon.start(this.state, {
      scrypt: new FakeScrypt(),
      wallClock: this.clock.wall,
      timers: this.clock,
      clocks: this.clock.read,
      ...(this.#keyAgent === undefined ? {} : { keyAgent: this.#keyAgent }),
      connectS3: (options) => Promise.resolve(bucketConnection(this.bucket, options, (store) => this.wrap(store))),
      openCatalog: (file) => (this.#catalog = openCatalog(file)),
    });
  }

  /** Ends the daemon in order. */
  async stop(): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
    this.clock.end();
    this.#daemon = undefined;
    this.#catalog = undefined;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
    await this.unlock();
    await this.idle();
  }

  async unlock(): Promise<void> {
    if (this.#key === undefined) await this.daemon.unlock(passphrase);
    else await this.daemon.call(sessionUnlock, {});
  }

  async createPolicy(name: string, changes: Partial<PolicyCreateParams> = {}): Promise<void> {
    await this.daemon.call(policyCreate, {
      name,
      sources: [{ kind: 'folder', path: this.source }],
      location: 'store',
      ...usualSourceRules,
      ...usualRunRules,
      ...changes,
    });
  }

  changeSource(): void {
    writeFileSync(path.join(this.source, 'text'), this.random.text(2000));
    writeFileSync(path.join(this.source, `file ${this.random.below(20)}`), this.random.bytes(3000));
  }

  /** One complete backup, and a copy of what it was made from. */
  async backUp(policy = 'files'): Promise<string> {
    const { restorePointId } = await this.daemon.backUp(policy);
    if (restorePointId === null) throw new Error('no restore point');
    const copy = this.newPath();
    const { status, stderr } = spawnSync('cp', ['-a', this.source, copy], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    this.kept.set(restorePointId, copy);
    return restorePointId;
  }

  /** Restores it and compares each byte with what it was made from. */
  async assertRestores(restorePoint: string): Promise<void> {
    const target = this.newPath();
    succeeded(await this.daemon.restore(restorePoint, target));
    assert.deepEqual(compareTrees(this.kept.get(restorePoint) ?? this.source, target).differences, []);
    rmSync(target, { recursive: true });
  }

  async collect(): Promise<GarbageDocument> {
    const started = await this.daemon.call(locationCollectGarbage, { requestId: randomUUID(), location: 'store', dryRun: false });
    return garbageDocument.parse(succeeded(await this.daemon.ended(started)).result);
  }

  /** Until no run of the monitor is under way, and nothing else that the daemon began by itself. */
  async idle(): Promise<void> {
    for (;;) {
      const { locations } = await this.daemon.call(immutabilityStatus, {});
      const { items } = this.catalog.actions.list({ limit: 5 });
      const isBusy = items.some(({ state, startedBy }) => startedBy === 'schedule' && !isEnded(state));
      if (!isBusy && !locations.some(({ isRefreshing }) => isRefreshing)) return;
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  /** Time goes on by so many hours, in leaps, and after each what became due is done. */
  async pass(hours: number, leap = 1): Promise<void> {
    for (let left = hours; left > 0; left -= leap) {
      this.clock.leap(Math.min(leap, left) * hourMs);
      await this.idle();
    }
  }

  /** What the bucket itself holds of an object's lock, in milliseconds since the epoch; `undefined` where the version is not there or has none. */
  lockedUntil(objectKey: string): number | undefined {
    const until = this.bucket.history(objectKey).find(({ isDeleteMarker }) => !isDeleteMarker)?.retention?.until;
    return until === undefined ? undefined : until * 1000;
  }

  newPath(): string {
    this.#made += 1;
    return path.join(this.folder, `made-${this.#made}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
