import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import type {
  AuditDocument,
  ImmutabilityStatus,
  LocationImmutability,
  LockProofDocument,
  RefreshDocument,
} from '../../protocol/methods/immutability.ts';
import { counted, shellWord } from '../../protocol/wording.ts';
import type { ActionRun, WorkResult } from '../actions/actionQueue.ts';
import { roundedSeconds } from '../actions/seconds.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import type { Installation } from '../installation/installation.ts';
import { specOf } from '../installation/locationStores.ts';
import { isRefuted, lockProofOf } from '../installation/lockProofRecord.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { callsPerMonth, lockPlan, slack } from '../locks/lockPlan.ts';
import { nextRun, promisedPlan } from '../locks/lockRunState.ts';
import { adoptKeyrings } from './adoptKeyrings.ts';
import { adoptCanaries, hasVersions } from './canaries.ts';
import type { LockFigures } from './lockFigures.ts';
import type { LockMonitor } from './lockMonitor.ts';
import { proveLock } from './lockProof.ts';
import { notImmutable } from './notImmutable.ts';
import { isOwnCondemnedList } from './ownLists.ts';
import { keptProofOf, lockProofText } from './signedProof.ts';
import { auditLocation, type TamperAuditResult } from './tamperAudit.ts';
import { cureOf, someOf } from './tamperFinding.ts';

export interface ImmutabilityServiceOptions {
  readonly installation: Installation;
  readonly monitor: LockMonitor;
  readonly figures: LockFigures;
  readonly wallClock: () => Date;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  readonly onAudited: (location: LocationRecord, result: TamperAuditResult) => void;
  readonly onProved: (location: LocationRecord) => void;
}

const dayMs = 86_400_000;

/** Locks as the user knows them: how they stand, and the works of refreshing, auditing and proving them. */
export class ImmutabilityService {
  readonly #options: ImmutabilityServiceOptions;

  constructor(options: ImmutabilityServiceOptions) {
    this.#options = options;
  }

  /** All immutable locations, or the one that is named. Throws `unknownName`, `refusedByRule`. */
  locations(reference?: string): readonly LocationRecord[] {
    const { catalog, locations } = this.#options.installation;
    if (reference === undefined) return catalog.locations.list().filter(({ lockMode }) => lockMode !== null);
    const location = locations.resolve(reference);
    if (location.lockMode !== null) return [location];
    throw notImmutable('look at the locks of', location);
  }

  status(reference?: string): ImmutabilityStatus {
    const locations = this.locations(reference).map((location) => this.statusOf(location));
    const shortest = locations
      .flatMap((one) => (one.shortest === null ? [] : [one.shortest]))
      .toSorted((one, other) => (one.retainUntil ?? '').localeCompare(other.retainUntil ?? ''));
    return {
      safeUntil: safeUntilOf(locations),
      objects: sum(locations.map(({ objects }) => objects)),
      shortest: shortest[0] ?? null,
      lastRefresh: locations.some(({ lastRefresh }) => lastRefresh === null)
        ? null
        : soonest(locations.map(({ lastRefresh }) => lastRefresh)),
      nextRefresh: soonest(locations.map(({ nextRefresh }) => nextRefresh)),
      callsPerMonth: sum(locations.map(({ callsPerMonth: calls }) => calls)),
      findings: sum(locations.map(({ findings }) => findings)),
      longestAbsenceDays: this.#options.installation.longestAbsence.days,
      locations,
    };
  }

  statusOf(location: LocationRecord): LocationImmutability {
    const { monitor, figures, installation } = this.#options;
    const { catalog } = installation;
    const { locationId, name } = location;
    const { objects, shortest } = figures.of(location);
    const state = monitor.stateOf(location);
    const promised = state === undefined ? null : promisedPlan(state);
    const time = monitor.now(locationId);
    const due = state === undefined ? null : nextRun(state, time);
    const skew = monitor.skewOf(locationId);
    const until = shortest?.retainUntil ?? null;
    return {
      location: name,
      locationId,
      protectionPeriodDays: location.protectionPeriodDays ?? 0,
      promisedDays: promised === null ? null : Math.round(promised.protectionPeriod / dayMs),
      safeUntil: this.safeUntil(location),
      objects,
      shortest: shortest === null ? null : { objectKey: shortest.objectKey, retainUntil: until?.toISOString() ?? null },
      slackSeconds: promised === null || shortest === null ? null : Math.floor(slack(promised, until, time) / 1000),
      lastRefresh: state?.lastCompleted?.end ?? null,
      nextRefresh: due?.toISOString() ?? null,
      isRefreshing: monitor.isRunning(locationId),
      callsPerMonth: state === undefined ? 0 : callsPerMonth(lockPlan(state.aim), objects),
      lockProof: lockProofOf(location),
      lastAudit: location.auditedAt,
      findings: catalog.tamperings.count(locationId),
      clockSkewSeconds: skew === undefined ? null : Math.round(skew.milliseconds / 1000),
    };
  }

  /** RFC 3339; `null` where nothing is promised, where something that was promised is not locked at all, and where the proof has shown that locks do not hold. */
  safeUntil(location: LocationRecord): string | null {
    if (isRefuted(location)) return null;
    const { monitor, figures } = this.#options;
    const state = monitor.stateOf(location);
    const plan = state === undefined ? null : promisedPlan(state);
    const until = figures.of(location).shortest?.retainUntil ?? null;
    return plan === null || until === null ? null : new Date(until.getTime() - plan.protectionPeriod).toISOString();
  }

  /** Work of an action. */
  async refresh(locations: readonly LocationRecord[], run: ActionRun): Promise<WorkResult> {
    const { monitor, now } = this.#options;
    const began = now();
    const done: RefreshDocument['locations'][number][] = [];
    let failure: HoldfastError | undefined;
    let before = 0;
    for (const location of locations) {
      const { result, error } = await monitor.refresh(location, {
        signal: run.signal,
        onProgress: ({ extended }) =>
          run.report({ phase: 'refreshing', files: before + extended, bytes: 0, totalFiles: null, totalBytes: null }),
      });
      failure ??= error;
      before += result?.extended ?? 0;
      done.push({
        location: location.name,
        locationId: location.locationId,
        extended: result?.extended ?? 0,
        missing: result?.missing ?? [],
        refused: (result?.refused ?? []).map(({ objectKey }) => objectKey),
        error: error?.message ?? null,
      });
    }
    const document: RefreshDocument = { extended: before, locations: done, seconds: roundedSeconds((now() - began) / 1000) };
    return failure === undefined
      ? { outcome: 'complete', document: { ...document } }
      : { outcome: 'failed', document: { ...document }, error: failure };
  }

  /** Work of an action. */
  async audit(locations: readonly LocationRecord[], run: ActionRun): Promise<WorkResult> {
    const { now } = this.#options;
    const began = now();
    const findings: AuditDocument['findings'][number][] = [];
    let findingsCount = 0;
    let versions = 0;
    const times: (string | null)[] = [];
    let failure: HoldfastError | undefined;
    for (const location of locations) {
      try {
        const result = await this.#auditOne(location, run, versions);
        versions += result.versions;
        findingsCount += result.findingsCount;
        times.push(result.tamperedSince);
        findings.push(...result.findings.map((finding) => ({ ...finding, location: location.name })));
      } catch (error) {
        // Whoever takes one location away must not hide by it what he did at another.
        if (!HoldfastError.is(error) || run.signal.aborted) throw error;
        failure ??= error;
      }
    }
    if (findingsCount === 0 && failure !== undefined) throw failure;
    const document: AuditDocument = {
      findings: someOf(findings, 1000),
      findingsCount,
      tamperedSince: soonest(times),
      versions,
      seconds: roundedSeconds((now() - began) / 1000),
    };
    if (findingsCount === 0) return { outcome: 'complete', document: { ...document } };
    const where = locations.map(({ name }) => name).join(', ');
    return {
      outcome: 'failed',
      document: { ...document },
      error: new HoldfastError('tampered', `The audit of ${where} found ${counted(findingsCount, 'thing')} that nobody of Holdfast did.`, {
        fix: cureOf(findings),
      }),
    };
  }

  /** Work of an action: on canaries alone. */
  async prove(queued: LocationRecord, run: ActionRun): Promise<WorkResult> {
    const { installation, wallClock, onProved } = this.#options;
    const { catalog, stores, keys, installationId } = installation;
    // It may have waited for its turn.
    const location = catalog.locations.get(queued.locationId) ?? queued;
    const spec = specOf(location);
    const { locationId, lockMode } = location;
    if (spec.kind !== 's3' || lockMode === null) throw notImmutable('prove the lock of', location);
    const connection = await stores.connection(location, spec);
    const store = await connection.open({
      storeId: location.storeId,
      lock: lockMode,
      features: stores.featuresOf(location),
      signal: run.signal,
    });
    const place = { objects: catalog.objects, installationId, locationId, now: wallClock, signal: run.signal };
    await this.#adoptCanaries(location, store, run.signal);
    const proof = await proveLock({ ...place, store, attempts: connection.attempts, mode: lockMode });
    const now = catalog.locations.get(locationId);
    if (now === undefined || !isSameWay(location, now)) {
      throw new HoldfastError('refusedByRule', `Failed to prove the lock of ${location.name}: the location was changed meanwhile.`, {
        fix: `Prove it again: "holdfast location prove-lock ${shellWord(now?.name ?? location.name)}".`,
      });
    }
    const text = lockProofText(proof, keys.masterKey.lockProofKey());
    catalog.locations.change(locationId, { lockProof: text });
    onProved(location);
    const document = proofDocumentOf(text);
    if (document.verdict === 'enforced') return { outcome: 'complete', document: { ...document } };
    return {
      outcome: 'failed',
      document: { ...document },
      error: new HoldfastError('refusedByRule', `The lock of ${location.name} is not proved: ${verdictSentence[document.verdict]}.`, {
        fix: document.reason ?? 'Use a bucket whose store enforces Object Lock.',
      }),
    };
  }

  /** Before the first proof or audit since the location became known: a catalog that was lost may have left canaries there. */
  async #adoptCanaries({ lockProof, locationId, createdAt }: LocationRecord, store: ObjectStore, signal: AbortSignal): Promise<void> {
    if (lockProof !== null || !hasVersions(store)) return;
    const { installation, wallClock } = this.#options;
    const { catalog, installationId } = installation;
    const before = new Date(createdAt);
    await adoptCanaries({ store, objects: catalog.objects, installationId, locationId, now: wallClock, signal, before });
  }

  async #auditOne(location: LocationRecord, run: ActionRun, before: number): Promise<TamperAuditResult> {
    const { installation, wallClock, onAudited } = this.#options;
    const { catalog, keys, stores, installationId } = installation;
    const { store, locks } = await stores.open(location.locationId, run.signal);
    await this.#adoptCanaries(location, store, run.signal);
    await adoptKeyrings({ catalog, location, installationId, masterKey: keys.masterKey, store, now: wallClock, signal: run.signal });
    const plan = stores.planOf(location);
    if (!hasVersions(store) || locks === undefined || plan === undefined) {
      throw new HoldfastError('refusedByRule', `Failed to audit ${location.name}: it has no versions.`);
    }
    const result = await auditLocation({
      catalog,
      location,
      installationId,
      store,
      locks: { plan, now: (signal) => locks.clock.now({ signal }) },
      wallClock,
      signal: run.signal,
      isOwnList: (key, versionId) => isOwnCondemnedList({ catalog, keys, store, signal: run.signal }, key, versionId),
      onProgress: (progress) =>
        run.report({ phase: 'auditing', files: before + progress.versions, bytes: 0, totalFiles: null, totalBytes: null }),
    });
    // It may have been removed meanwhile.
    if (catalog.locations.get(location.locationId) !== undefined) {
      catalog.locations.change(location.locationId, { auditedAt: wallClock().toISOString() });
    }
    onAudited(location, result);
    return result;
  }
}

/** A proof speaks of one address, one user's keys and one mode. */
function isSameWay(one: LocationRecord, other: LocationRecord): boolean {
  const [keys, otherKeys] = [one, other].map(({ credentials }) => Buffer.from(credentials ?? []).toString('hex'));
  return one.spec === other.spec && one.lockMode === other.lockMode && keys === otherKeys;
}

const verdictSentence: Readonly<Record<Exclude<LockProofDocument['verdict'], 'enforced'>, string>> = {
  bypassable: 'these credentials can bypass it',
  notEnforced: 'the store let a locked object be deleted or its lock be shortened',
  inconclusive: 'the trial could not be brought to its end',
};

/** As it is kept in the row of the location. Throws `catalogDamaged`. */
export function proofDocumentOf(text: string): LockProofDocument {
  const { verdict, at, explanation, attempts } = keptProofOf(text);
  const { signature } = z.looseObject({ signature: z.string() }).parse(JSON.parse(text));
  return {
    verdict,
    at,
    reason: explanation,
    attempts: attempts.map(({ attempt, expected, got }) => ({ attempt, expected, got })),
    signature,
  };
}

/** Of all of them; `null` also where something that was promised at one is not locked at all: a date of the others would tell less than the truth. */
export function safeUntilOf(locations: readonly Pick<LocationImmutability, 'promisedDays' | 'shortest' | 'safeUntil'>[]): string | null {
  const isBroken = locations.some(
    ({ promisedDays, shortest, safeUntil }) => promisedDays !== null && shortest !== null && safeUntil === null,
  );
  return isBroken ? null : soonest(locations.map(({ safeUntil }) => safeUntil));
}

function soonest(times: readonly (string | null)[]): string | null {
  return times.filter((time) => time !== null).toSorted()[0] ?? null;
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
