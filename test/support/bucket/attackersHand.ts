import { SeededRandom } from '../random.ts';
import { BucketRefusal } from './bucketRefusal.ts';
import { versionIdOf } from './bucketVersion.ts';
import type { MemoryBucket } from './memoryBucket.ts';

/** How many acts were let happen and how many were refused. */
export interface HandOutcome {
  readonly done: number;
  readonly refused: number;
}

export interface AttackersHandOptions {
  /** Only keys that begin so; default: the whole bucket. */
  readonly prefix?: string;
  /** Holds the permission to bypass governance; default true. */
  readonly maySkipGovernance?: boolean;
  readonly seed?: number;
}

const hundredYears = 100 * 365 * 86_400;

/**
 * Everything that a holder of a location's credentials, or an administrator of its account, does to hurt what is stored there. Each act goes over every
 * object, goes on where one is refused, and tells how many were: threats.md of the design, Ransomware.
 */
export class AttackersHand {
  readonly #bucket: MemoryBucket;
  readonly #prefix: string;
  readonly #bypass: boolean;
  readonly #random: SeededRandom;

  constructor(bucket: MemoryBucket, options: AttackersHandOptions = {}) {
    this.#bucket = bucket;
    this.#prefix = options.prefix ?? '';
    this.#bypass = options.maySkipGovernance ?? true;
    this.#random = new SeededRandom(options.seed ?? 1);
  }

  /** R1: a delete marker over every key. */
  hideAll(): HandOutcome {
    return this.#onKeys((key) => void this.#bucket.putDeleteMarker(key));
  }

  /** R2: a newer version of random bytes over every key. */
  overwriteAll(size = 64): HandOutcome {
    return this.#onKeys((key) => void this.#bucket.put(key, this.#random.bytes(size)));
  }

  /** R3: a copy of every object onto itself under a key that only the attacker has. Also over delete markers nothing is left to copy. */
  encryptAllInPlace(): HandOutcome {
    return this.#onKeys((key) => void this.#bucket.copyInPlace(key, 'sse-c'));
  }

  /** R3: what is not the newest goes after so many days; `runLifecycle` of the bucket does it. */
  setLifecycle(days = 7): void {
    this.#bucket.putLifecycle([
      { id: 'cleanup', isEnabled: true, prefix: this.#prefix, expirationDays: days, noncurrentExpirationDays: days, hasTransition: false },
    ]);
  }

  /** R4: what is put without a name of an encryption comes under the attacker's key; see `takeKeyAway`. */
  changeDefaultEncryption(kmsKeyId = 'arn:aws:kms:eu-central-1:999999999999:key/attacker'): void {
    this.#bucket.putEncryption({ algorithm: 'aws:kms', kmsKeyId });
  }

  /** R4: nothing that came under that key can be read any more. */
  takeKeyAway(kmsKeyId = 'arn:aws:kms:eu-central-1:999999999999:key/attacker'): void {
    this.#bucket.revokedKeys.add(kmsKeyId);
  }

  /** R5: every version deleted by its id, with bypass where this hand may. */
  deleteAllVersions(): HandOutcome {
    return this.#onVersions((key, versionId) => this.#bucket.deleteVersion(key, versionId, { bypass: this.#bypass }));
  }

  /** R5: every lock shortened to end in a minute. */
  shortenAll(): HandOutcome {
    const until = Math.ceil(this.#bucket.now / 1000) + 60;
    return this.#onVersions((key, versionId, mode) => this.#bucket.setRetention(key, versionId, { mode, until }, { bypass: this.#bypass }));
  }

  /** R5: every lock made one of governance, with the same end. */
  downgradeAll(): HandOutcome {
    return this.#onVersions((key, versionId, _mode, until) =>
      this.#bucket.setRetention(key, versionId, { mode: 'GOVERNANCE', until }, { bypass: this.#bypass }),
    );
  }

  /** R8: everything locked for a hundred years, which costs. */
  lockForACentury(): HandOutcome {
    const until = Math.ceil(this.#bucket.now / 1000) + hundredYears;
    return this.#onVersions((key, versionId) => this.#bucket.setRetention(key, versionId, { mode: 'COMPLIANCE', until }));
  }

  suspendVersioning(): HandOutcome {
    return this.#each([() => this.#bucket.putVersioning('suspended')]);
  }

  /** R8: what is put from now on without a lock of its own is locked for so long. */
  setDefaultRetention(days = 36_500): HandOutcome {
    return this.#each([() => this.#bucket.putDefaultRetention({ defaultRetention: { mode: 'compliance', days } })]);
  }

  /** Objects under the prefix that nobody knows. */
  plantStrangers(count: number): HandOutcome {
    return this.#each(
      Array.from(
        { length: count },
        (_, index) => () => void this.#bucket.put(`${this.#prefix}stranger-${index}`, this.#random.bytes(16), { ifNoneMatch: true }),
      ),
    );
  }

  #onKeys(act: (key: string) => void): HandOutcome {
    const keys = new Set([...this.#bucket.entries(this.#prefix)].map((entry) => entry.key));
    return this.#each([...keys].map((key) => () => act(key)));
  }

  #onVersions(act: (key: string, versionId: string, mode: 'GOVERNANCE' | 'COMPLIANCE', until: number) => void): HandOutcome {
    const now = Math.ceil(this.#bucket.now / 1000);
    return this.#each(
      [...this.#bucket.entries(this.#prefix)].map(
        ({ key, version }) =>
          () =>
            act(key, versionIdOf(version), version.retention?.mode ?? 'COMPLIANCE', version.retention?.until ?? now + 60),
      ),
    );
  }

  #each(acts: readonly (() => void)[]): HandOutcome {
    let refused = 0;
    for (const act of acts) {
      try {
        act();
      } catch (error) {
        if (!(error instanceof BucketRefusal)) throw error;
        refused += 1;
      }
    }
    return { done: acts.length - refused, refused };
  }
}
