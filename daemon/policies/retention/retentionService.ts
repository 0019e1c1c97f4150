import type { Retention } from '../../../protocol/methods/policies.ts';
import { retentionUnits } from '../../../protocol/methods/retention.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PolicyRecord } from '../../catalog/policyStore.ts';
import type { RestorePointRecord } from '../../catalog/restorePointStore.ts';
import { parsePolicyDefinition } from '../../catalog/policyDefinition.ts';
import { definitionOf } from '../policyService.ts';
import { applyRetention, type RetentionDecision, type RetentionPoint } from './retention.ts';

export interface RetentionServiceOptions {
  readonly catalog: Catalog;
  /** The machine's time zone, as the IANA database names it. Asked each time: it can be changed under a running daemon. */
  readonly timeZone: () => string;
  readonly onRetired: (restorePointId: string) => void;
}

/** What retention behind a run came to. */
export interface FollowedRetention {
  readonly retired: readonly string[];
  /** Why nothing was retired: a run whose retention failed is a good run all the same. */
  readonly error?: Error;
}

/** Retention of policies: what their rules say of their restore points, and doing it. */
export class RetentionService {
  readonly #options: RetentionServiceOptions;

  constructor(options: RetentionServiceOptions) {
    this.#options = options;
  }

  /** Every restore point of the policy that is on the list, newest first. Throws `catalogDamaged` where the rules cannot be read. */
  preview(policy: PolicyRecord): readonly RetentionDecision[] {
    return this.#decide(policy, this.#options.catalog.restorePoints.live(policy.policyId));
  }

  /** Retires what the rules do not keep, all in one transaction; gives the ids. Needs no step-up: the user gave the rule. */
  apply(policy: PolicyRecord): readonly string[] {
    const { catalog, onRetired } = this.#options;
    if (definitionOf(policy).keep === null) return [];
    const retired = catalog.transaction(() => {
      const live = catalog.restorePoints.live(policy.policyId);
      const gone = new Set(this.#decide(policy, live).flatMap(({ id, keep }) => (keep ? [] : [id])));
      const records = live.filter(({ id }) => gone.has(id));
      for (const { id } of records) catalog.restorePoints.setState(id, 'retired');
      return records.map(({ id }) => id);
    });
    for (const id of retired) onRetired(id);
    return retired;
  }

  /** The ids of those of one policy that rules do not keep; a time that is none, as another writer may have left one, is no reason to fail. */
  wouldRetire(points: readonly RestorePointRecord[], keep: Retention | null): ReadonlySet<string> {
    const dated = points.filter(({ startedAt }) => Number.isFinite(Date.parse(startedAt)));
    const decided = applyRetention(dated.map(retentionPointOf), keep, this.#options.timeZone());
    return new Set(decided.flatMap((point) => (point.keep ? [] : [point.id])));
  }

  /** The same once a run has come to its end, by the rules as they are then. Throws nothing. */
  follow({ policyId }: PolicyRecord): FollowedRetention {
    try {
      const policy = this.#options.catalog.policies.get(policyId);
      return { retired: policy === undefined || policy.deletedAt !== null ? [] : this.apply(policy) };
    } catch (error) {
      return { retired: [], error: error instanceof Error ? error : new TypeError(String(error)) };
    }
  }

  /** Whether other rules may retire what those of now keep; `undefined` changes nothing. */
  keepsLess(policy: PolicyRecord, keep: Retention | null | undefined): boolean {
    if (keep === undefined || keep === null) return false;
    const before = parsePolicyDefinition(policy.definition)?.keep ?? null;
    return before === null || retentionUnits.some((unit) => keep[unit] < before[unit]);
  }

  #decide(policy: PolicyRecord, live: readonly RestorePointRecord[]): readonly RetentionDecision[] {
    return applyRetention(live.map(retentionPointOf), definitionOf(policy).keep, this.#options.timeZone());
  }
}

function retentionPointOf({ id, sequence, startedAt, pinned, state }: RestorePointRecord): RetentionPoint {
  return { id, sequence, startedAt, pinned, damaged: state === 'damaged' };
}

/** The time zone that this process runs in. */
export function machineTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}
