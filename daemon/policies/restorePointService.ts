import { HoldfastError } from '../../protocol/errors.ts';
import { minuteOf } from '../../protocol/wording.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import type { ProtectedPolicy, RestorePoint, RestorePointListParams } from '../../protocol/methods/restorePoints.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { parsePolicyDefinition } from '../catalog/policyDefinition.ts';
import { parseRestorePointDetails } from '../catalog/restorePointDetails.ts';
import type { PolicyRecord } from '../catalog/policyStore.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import { pageOfArray } from '../installation/pageOfArray.ts';
import { resolveReference } from '../installation/reference.ts';

export interface RestorePointServiceOptions {
  readonly catalog: Catalog;
  /** RFC 3339; `null` where it is not locked. Left out: nothing is. */
  readonly protectedUntil?: (record: RestorePointRecord) => string | null;
  readonly onChanged: (restorePointId: string) => void;
}

const timePattern = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/i;

/** Restore points as the user knows them: found by what they are called, listed, retired and pinned. */
export class RestorePointService {
  readonly #catalog: Catalog;
  readonly #protectedUntil: NonNullable<RestorePointServiceOptions['protectedUntil']>;
  readonly #onChanged: (restorePointId: string) => void;

  constructor(options: RestorePointServiceOptions) {
    this.#catalog = options.catalog;
    this.#onChanged = options.onChanged;
    this.#protectedUntil = options.protectedUntil ?? (() => null);
  }

  /** `latest`, a policy (its newest), `POLICY@TIME` (its newest at or before), an id or a unique prefix. Throws `unknownName`, `ambiguousName`, `badValue`. */
  resolve(reference: string): RestorePointRecord {
    if (reference === 'latest') return found(this.#catalog.restorePoints.newest(), reference);
    const at = reference.lastIndexOf('@');
    const time = reference.slice(at + 1);
    if (at > 0 && timePattern.test(time)) {
      const policy = this.#policy(reference.slice(0, at));
      const moment = momentOf(time);
      if (moment === undefined) {
        throw new HoldfastError('badValue', `Failed to read the time ${time}: there is no such time.`, {
          fix: 'Write it as 2026-01-02T03:04:05Z.',
        });
      }
      return found(this.#catalog.restorePoints.newestAt(policy.policyId, moment.toISOString()), reference);
    }
    const policy = this.#policyNamed(reference);
    if (policy !== undefined) return found(this.#catalog.restorePoints.newest(policy.policyId), reference);
    const [only, second] = reference.length < 4 ? [] : this.#catalog.restorePoints.byIdPrefix(reference.toLowerCase());
    if (second !== undefined) {
      throw new HoldfastError('ambiguousName', `Failed to find restore point "${reference}": several ids begin with it.`, {
        fix: 'Type more of the id.',
      });
    }
    return found(only, reference);
  }

  list(params: RestorePointListParams): Page<RestorePoint> {
    const { policy, ...filter } = params;
    const page = this.#catalog.restorePoints.list({
      ...filter,
      ...(policy === undefined ? {} : { policyId: this.#policy(policy).policyId }),
    });
    const names = new Map(this.#catalog.policies.list({ includeDeleted: true }).map((record) => [record.policyId, record.name]));
    return { ...page, items: page.items.map((record) => this.#described(record, names.get(record.policyId) ?? '')) };
  }

  /** By name, those of deleted policies last. Throws `badValue`. */
  policies(page: PageParams): Page<ProtectedPolicy> {
    const known = this.#catalog.policies.list({ includeDeleted: true });
    const groups = known.flatMap((record): readonly ProtectedPolicy[] => {
      const newest = this.#catalog.restorePoints.newest(record.policyId);
      if (newest === undefined) return [];
      const restorePoints = this.#catalog.restorePoints.countLive(record.policyId);
      const { policyId, name, deletedAt } = record;
      return [{ policyId, policy: name, deleted: deletedAt !== null, restorePoints, newestAt: newest.startedAt }];
    });
    return pageOfArray([...groups.filter(({ deleted }) => !deleted), ...groups.filter(({ deleted }) => deleted)], page, (group) => group);
  }

  describe(record: RestorePointRecord): RestorePoint {
    return this.#described(record, this.#catalog.policies.get(record.policyId)?.name ?? '');
  }

  #described(record: RestorePointRecord, policy: string): RestorePoint {
    const imported = this.#catalog.importedPolicies.has(record.policyId);
    return describeRestorePoint(record, policy, imported, this.#protectedUntil(record));
  }

  /** Refusals by rule of `retire`, then `confirmationNeeded`. */
  checkRetire(reference: string, confirmed: boolean): RestorePointRecord {
    const record = this.resolve(reference);
    const name = record.id.slice(0, 8);
    const { policy } = this.describe(record);
    this.#refuseImported(record, 'retire');
    if (record.state === 'retired') {
      throw new HoldfastError('refusedByRule', `Failed to retire restore point ${name}: it is retired already.`, {
        fix: 'Nothing is left to do.',
      });
    }
    if (record.pinned) {
      throw new HoldfastError('refusedByRule', `Failed to retire restore point ${name}: it is pinned.`, {
        fix: `Run "holdfast restore-point unpin ${name}" first.`,
      });
    }
    if (!confirmed) {
      throw new HoldfastError(
        'confirmationNeeded',
        `Retire restore point ${name} of ${policy}, made at ${minuteOf(record.finishedAt)}? It leaves the list, and its data can go once nothing else needs it.`,
        { fix: 'Say --yes.' },
      );
    }
    return record;
  }

  retire(reference: string, confirmed: boolean): RestorePoint {
    const record = this.checkRetire(reference, confirmed);
    this.#catalog.restorePoints.setState(record.id, 'retired');
    return this.#changed(record);
  }

  /** Whether it is pinned, and its data may go once it is not: because it is retired, or rules of its policy may retire it. */
  isHeldByPin(reference: string): boolean {
    const { pinned, policyId, state } = this.resolve(reference);
    if (pinned && state === 'retired') return true;
    const policy = this.#catalog.policies.get(policyId);
    return pinned && policy !== undefined && policy.deletedAt === null && parsePolicyDefinition(policy.definition)?.keep !== null;
  }

  /** Throws `refusedByRule` where one that is retired is to be pinned. */
  setPinned(reference: string, pinned: boolean): RestorePoint {
    const record = this.resolve(reference);
    this.#refuseImported(record, pinned ? 'pin' : 'unpin');
    if (pinned && record.state === 'retired') {
      throw new HoldfastError(
        'refusedByRule',
        `Failed to pin restore point ${record.id.slice(0, 8)}: it is retired, and its data may go.`,
        {
          fix: 'Restore now what you need of it.',
        },
      );
    }
    this.#catalog.restorePoints.setPinned(record.id, pinned);
    return this.#changed(record);
  }

  /** Throws `refusedByRule` for what is another installation's. */
  #refuseImported({ id, policyId }: RestorePointRecord, verb: string): void {
    if (!this.#catalog.importedPolicies.has(policyId)) return;
    throw HoldfastError.failedTo('refusedByRule', `${verb} restore point ${id.slice(0, 8)}`, 'it was imported, and is only read here', {
      fix: 'Do it at the installation that it comes from; "holdfast policy delete" takes an imported policy off the list.',
    });
  }

  #changed(record: RestorePointRecord): RestorePoint {
    this.#onChanged(record.id);
    return this.describe(found(this.#catalog.restorePoints.get(record.id), record.id));
  }

  /** Deleted policies keep their names for the restore points that they left. */
  #policyNamed(name: string): PolicyRecord | undefined {
    return (
      this.#catalog.policies.byName(name) ?? this.#catalog.policies.list({ includeDeleted: true }).find((policy) => policy.name === name)
    );
  }

  #policy(reference: string): PolicyRecord {
    const known = this.#policyNamed(reference);
    if (known !== undefined) return known;
    const all = this.#catalog.policies.list({ includeDeleted: true });
    return resolveReference(
      'policy',
      reference,
      all.map((record) => ({ id: record.policyId, name: record.name, record })),
    ).record;
  }
}

/** A time as typed, in UTC where it names no offset; `undefined` where there is no such day or hour. */
function momentOf(text: string): Date | undefined {
  const day = text.slice(0, 10);
  const hasOffset = text.length === 10 || /(Z|[+-]\d\d:\d\d)$/i.test(text.slice(10));
  const moment = new Date(hasOffset ? text : `${text}Z`);
  const midnight = new Date(`${day}T00:00:00Z`);
  // Dates are lenient: 30 February is taken for 2 March.
  const isReal = !Number.isNaN(moment.getTime()) && !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
  return isReal ? moment : undefined;
}

function describeRestorePoint(record: RestorePointRecord, policy: string, imported: boolean, protectedUntil: string | null): RestorePoint {
  return {
    id: record.id,
    policy,
    policyId: record.policyId,
    sequence: record.sequence,
    startedAt: record.startedAt,
    uploadEndTime: record.finishedAt,
    storeTime: record.storeTime,
    files: record.files,
    bytes: record.bytes,
    addedBytes: record.addedBytes,
    protectedUntil,
    state: record.state,
    pinned: record.pinned,
    verified:
      record.verifiedAt === null || record.verifiedResult === null ? null : { at: record.verifiedAt, result: record.verifiedResult },
    anomaly: null,
    imported,
    description: parseRestorePointDetails(record.details).description,
  };
}

function found(record: RestorePointRecord | undefined, reference: string): RestorePointRecord {
  if (record !== undefined) return record;
  throw new HoldfastError('unknownName', `Failed to find restore point "${reference}": there is none.`, {
    fix: '"holdfast restore-point list" shows what there is.',
  });
}
