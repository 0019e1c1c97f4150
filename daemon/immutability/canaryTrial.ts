import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import type { LockAttempts } from '../locations/lockAttempts.ts';
import type { LockUntil } from '../locations/objectStore.ts';
import { type Canary, type CanaryPlace, deleteIfAllowed, makeCanary, noteCanary, signalOf, versionsOf } from './canaries.ts';
import type { AttemptName, Expected, Got, LockAttempt } from './proofVerdict.ts';

const second = 1000;
const longPast = new Date('2000-01-01T00:00:00Z');

/** One canary with a lock, and all that is tried on it. */
export class CanaryTrial {
  readonly #place: CanaryPlace;
  readonly #acts: LockAttempts;
  readonly #mode: LockUntil['mode'];
  readonly #attempts: LockAttempt[] = [];
  #key = '';
  #bytes: Uint8Array = new Uint8Array(0);
  #versionId: string | null = null;
  #lock: LockUntil | undefined;
  #storeTime: Date | undefined;
  #isGone = false;
  #isTooSlow = false;

  constructor(place: CanaryPlace, acts: LockAttempts, mode: LockUntil['mode']) {
    this.#place = place;
    this.#acts = acts;
    this.#mode = mode;
  }

  get attempts(): readonly LockAttempt[] {
    return this.#attempts;
  }

  /** The lock ended before everything was tried, so that what was tried shows nothing. */
  get isTooSlow(): boolean {
    return this.#isTooSlow;
  }

  get storeTime(): Date | undefined {
    return this.#storeTime;
  }

  get canary(): { readonly key: string; readonly versionId: string | null; readonly lockedUntil: string } | null {
    if (this.#lock === undefined) return null;
    return { key: this.#key, versionId: this.#versionId, lockedUntil: this.#lock.until.toISOString() };
  }

  /** `again`: with a longer lock it may come to something. Rejects with `cancelled` only. */
  async run(length: number): Promise<'done' | 'again'> {
    const { store, now } = this.#place;
    const begun = now().getTime();
    try {
      const time = await store.versions.time(signalOf(this.#place));
      this.#storeTime = time;
      const lock = { mode: this.#mode, until: new Date(Math.ceil((time.getTime() + length) / second) * second) };
      this.#lock = lock;
      if (!(await this.#putLocked(lock))) return this.#attempts.at(-1)?.got === 'refused' ? 'again' : 'done';
      await this.#tryAll(lock);
      const end = await store.versions.time(signalOf(this.#place));
      this.#isTooSlow = end.getTime() >= lock.until.getTime();
    } catch (error) {
      if (!HoldfastError.is(error) || error.code === 'cancelled') throw error;
      this.#add('lockAfterwards', 'locked', 'noAnswer', error.message);
      this.#isTooSlow = now().getTime() - begun >= length;
    }
    await this.#tidy();
    return this.#isTooSlow ? 'again' : 'done';
  }

  async #putLocked(lock: LockUntil): Promise<boolean> {
    const { store } = this.#place;
    const canary = makeCanary(this.#place);
    this.#key = canary.key;
    this.#bytes = canary.bytes;
    try {
      const { versionId } = await store.put(canary.key, canary.bytes, { ...signalOf(this.#place), lock });
      this.#versionId = versionId;
    } catch (error) {
      if (!HoldfastError.is(error, 'lockRefused', 'storeRefused', 'storeFailed')) throw error;
      // What a store takes no locks for, it says in ways of its own.
      this.#add('putLocked', 'accepted', 'refused', error.message);
      await this.#tidy();
      return false;
    }
    this.#add('putLocked', 'accepted', this.#versionId === null ? 'noVersion' : 'accepted');
    return this.#versionId !== null;
  }

  async #tryAll(lock: LockUntil): Promise<void> {
    const { key } = this.#canary;
    const acts = this.#acts;
    const options = signalOf(this.#place);
    const found = await this.#held(lock);
    this.#add('readLock', 'locked', found.got, found.detail);
    await this.#deleteUnlocked();
    const held = { mode: lock.mode, until: new Date(lock.until.getTime() + second) };
    await this.#extend(lock, held);
    const isCompliance = lock.mode === 'compliance';
    const set =
      (weaker: LockUntil, bypass = false) =>
      (id: string): Promise<void> =>
        acts.setLock(key, id, weaker, { ...options, bypass });
    const sooner = { mode: lock.mode, until: this.#halfway(lock) };
    const governance = { mode: 'governance', until: lock.until } as const;
    await this.#weaken('shorten', set(sooner));
    if (isCompliance) await this.#weaken('downgrade', set(governance));
    await this.#weaken('endLock', set({ mode: lock.mode, until: longPast }));
    await this.#weaken('shortenWithBypass', set(sooner, true));
    if (isCompliance) await this.#weaken('downgradeWithBypass', set(governance, true));
    await this.#hide('overwrite', () => acts.overwrite(key, randomBytes(this.#bytes.length), options));
    await this.#hide('deleteMarker', () => acts.putDeleteMarker(key, options));
    await this.#weaken('deleteVersion', (id) => acts.deleteVersion(key, id, options));
    await this.#weaken('deleteVersionWithBypass', (id) => acts.deleteVersionWithBypass(key, id, options));
    const after = this.#isGone ? { got: 'notTried' as const, detail: null } : await this.#held(this.#lock ?? lock);
    this.#add('lockAfterwards', 'locked', after.got, after.detail);
  }

  get #canary(): { readonly key: string; readonly versionId: string } {
    return { key: this.#key, versionId: this.#versionId ?? '' };
  }

  /** Half of what is left of the lock. */
  #halfway(lock: LockUntil): Date {
    const from = this.#storeTime?.getTime() ?? 0;
    return new Date(Math.floor((from + lock.until.getTime()) / 2 / second) * second);
  }

  /** Shows that what is refused of a locked version is allowed of one without a lock. */
  async #deleteUnlocked(): Promise<void> {
    const { store, objects, locationId } = this.#place;
    const options = signalOf(this.#place);
    const control: Canary = makeCanary(this.#place);
    const { versionId } = await store.put(control.key, control.bytes, options);
    if (versionId === null) {
      this.#add('deleteUnlocked', 'accepted', 'noVersion');
      return;
    }
    const lock = await store.versions.lockOf(control.key, versionId, options).catch(onlyIfAway);
    noteCanary(this.#place, control.key, versionId, lock, this.#storeTime ?? new Date(0));
    const answer = await this.#answerOf(this.#acts.deleteVersion(control.key, versionId, options));
    const because = lock === null ? answer.detail : `It was locked by a default until ${lock.until.toISOString()}.`;
    this.#add('deleteUnlocked', 'accepted', answer.got, answer.got === 'accepted' ? null : because);
    if (answer.got === 'accepted') objects.forget(locationId, control.key);
  }

  /** Shows that the permission to set locks is there, so that what is refused after it is refused by the lock. */
  async #extend(lock: LockUntil, longer: LockUntil): Promise<void> {
    const { store } = this.#place;
    const { key, versionId } = this.#canary;
    const answer = await this.#answerOf(store.versions.extend(key, versionId, longer, signalOf(this.#place)));
    this.#add('extend', 'accepted', answer.got, answer.detail);
    this.#lock = answer.got === 'accepted' ? longer : lock;
  }

  /** Tries something that a lock has to refuse. Where it happened, the lock is set again, so that the next attempt is made against one. */
  async #weaken(attempt: AttemptName, act: (versionId: string) => Promise<void>): Promise<void> {
    if (this.#isGone) {
      this.#add(attempt, 'refused', 'notTried');
      return;
    }
    const { store } = this.#place;
    const { key, versionId } = this.#canary;
    const answer = await this.#answerOf(act(versionId));
    if (answer.got !== 'accepted') {
      this.#add(attempt, 'refused', answer.got, answer.detail);
      return;
    }
    // Written down first: that the store said yes counts, whatever becomes of the look at what it did.
    this.#add(attempt, 'refused', 'accepted');
    const lock = this.#lock;
    if (lock === undefined) return;
    const after = await this.#held(lock);
    this.#isGone = after.got === 'noVersion';
    if (after.got === 'locked') this.#replaceLast('acceptedWithoutEffect');
    if (!this.#isGone && after.got !== 'locked') await this.#answerOf(store.versions.extend(key, versionId, lock, signalOf(this.#place)));
  }

  /** Puts something newer over the canary, which must stay what reads give. */
  async #hide(attempt: AttemptName, act: () => Promise<string | null>): Promise<void> {
    const answer = await this.#answerOf(act());
    if (answer.got === 'noAnswer') {
      this.#add(attempt, 'goodVersionReadable', 'noAnswer', answer.detail);
      return;
    }
    const { store } = this.#place;
    const { key, versionId } = this.#canary;
    const reading = signalOf(this.#place);
    const byVersion = await store.get(key, { ...reading, versionId });
    const byKey = await store.get(key, reading);
    const isReadable = [byVersion, byKey].every((found) => found !== undefined && Buffer.compare(found.body, this.#bytes) === 0);
    this.#add(attempt, 'goodVersionReadable', isReadable ? 'goodVersionReadable' : 'goodVersionLost', answer.detail);
    if (byVersion === undefined) this.#isGone = true;
  }

  /** Whether the version is there, with this lock or more. */
  async #held(lock: LockUntil): Promise<{ readonly got: Got; readonly detail: string | null }> {
    const { store } = this.#place;
    const { key, versionId } = this.#canary;
    const reading = signalOf(this.#place);
    const found = await store.get(key, { ...reading, versionId });
    if (found === undefined || Buffer.compare(found.body, this.#bytes) !== 0) return { got: 'noVersion', detail: null };
    let held: LockUntil | null;
    try {
      held = await store.versions.lockOf(key, versionId, reading);
    } catch (error) {
      if (HoldfastError.is(error, 'objectMissing')) return { got: 'noVersion', detail: null };
      if (!HoldfastError.is(error, 'storeRefused', 'storeFailed', 'notInThisVersion')) throw error;
      return { got: 'noAnswer', detail: error.message };
    }
    noteCanary(this.#place, key, versionId, held, this.#storeTime ?? new Date(0));
    if (held === null) return { got: 'noLock', detail: null };
    const isWeaker = held.until < lock.until || (lock.mode === 'compliance' && held.mode === 'governance');
    return isWeaker
      ? { got: 'weakerLock', detail: `It is in ${held.mode} mode until ${held.until.toISOString()}.` }
      : { got: 'locked', detail: null };
  }

  /** Rejects where the store is away: the rest is not worth trying. */
  async #answerOf(
    act: Promise<unknown>,
  ): Promise<{ readonly got: 'accepted' | 'refused' | 'noVersion' | 'noAnswer'; readonly detail: string | null }> {
    try {
      await act;
      return { got: 'accepted', detail: null };
    } catch (error) {
      if (HoldfastError.is(error, 'lockRefused', 'storeRefused', 'notInThisVersion')) return { got: 'refused', detail: error.message };
      if (HoldfastError.is(error, 'objectMissing')) return { got: 'noVersion', detail: error.message };
      if (HoldfastError.is(error, 'storeFailed')) return { got: 'noAnswer', detail: error.message };
      throw error;
    }
  }

  #add(attempt: AttemptName, expected: Expected, got: Got, detail: string | null = null): void {
    this.#attempts.push({ attempt, expected, got, detail });
  }

  #replaceLast(got: Got): void {
    const last = this.#attempts.pop();
    if (last !== undefined) this.#attempts.push({ ...last, got });
  }

  /** What lies over the canary goes at once. The canary itself is in the ledger and waits for a later proof. What can't be deleted now waits as well. */
  async #tidy(): Promise<void> {
    const { objects, locationId } = this.#place;
    if (this.#key === '') return;
    let left = 0;
    try {
      for (const { versionId } of await versionsOf(this.#place, this.#key)) {
        const isCanary = !this.#isGone && versionId === this.#versionId;
        if (!isCanary && !(await deleteIfAllowed(this.#place, this.#key, versionId))) left += 1;
      }
    } catch (error) {
      if (!HoldfastError.is(error) || error.code === 'cancelled') throw error;
      left += 1;
    }
    if (!this.#isGone) return;
    if (left === 0) objects.forget(locationId, this.#key);
    else objects.change(locationId, this.#key, { state: 'missing', versionId: null, retainUntil: null, lockReadAt: null });
  }
}

/** `null` where the store does not tell; a store that is away is another matter. */
function onlyIfAway(error: unknown): null {
  if (HoldfastError.is(error, 'storeRefused', 'storeFailed', 'notInThisVersion', 'objectMissing')) return null;
  throw error;
}
