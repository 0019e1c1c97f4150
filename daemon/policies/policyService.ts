import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type LocationId, type PolicyId } from '../../protocol/ids.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import {
  type ImportedPolicy,
  type Policy,
  type PolicyCreateParams,
  type PolicyEditParams,
  usualRunRules,
  usualSourceRules,
} from '../../protocol/methods/policies.ts';
import { counted } from '../../protocol/wording.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { type PolicyDefinition, parsePolicyDefinition, type SourceDefinition } from '../catalog/policyDefinition.ts';
import type { PolicyRecord } from '../catalog/policyStore.ts';
import { pageOfArray } from '../installation/pageOfArray.ts';
import { resolveReference } from '../installation/reference.ts';
import { folderAround } from './folderAround.ts';
import { normalSchedule } from './schedules/schedule.ts';
import { withSourceIds } from './sourceIds.ts';

export interface PolicyServiceOptions {
  readonly catalog: Catalog;
  readonly wallClock: () => Date;
  /** The location that the user means. Throws `unknownName`, `ambiguousName`. */
  readonly resolveLocation: (reference: string) => { readonly locationId: LocationId };
  /** What no source may lie in: the state directory and the folders of locations. */
  readonly ownFolders: () => readonly string[];
  /** Whether an action of this policy is queued or running. */
  readonly isBusy: (policyId: PolicyId) => boolean;
  /** When it runs next by itself. */
  readonly nextRunAt: (policyId: PolicyId) => string | null;
  readonly onChanged: (policyId: PolicyId) => void;
  /** An imported policy was taken away: whoever holds keys of it drops them. */
  readonly onForgotten: (policyId: PolicyId) => void;
}

/** Policies as the user knows them: named, listed, made, changed and deleted. */
export class PolicyService {
  readonly #options: PolicyServiceOptions;
  readonly #catalog: Catalog;

  constructor(options: PolicyServiceOptions) {
    this.#options = options;
    this.#catalog = options.catalog;
  }

  /** Throws `unknownName`, `ambiguousName`. */
  resolve(reference: string): PolicyRecord {
    const all = this.#catalog.policies.list().map((record) => ({ id: record.policyId, name: record.name, record }));
    return resolveReference('policy', reference, all).record;
  }

  /** By name. */
  all(): readonly PolicyRecord[] {
    return this.#catalog.policies.list();
  }

  /** Those that are backed up here: without the imported ones. */
  own(): readonly PolicyRecord[] {
    return this.all().filter(({ policyId }) => !this.#catalog.importedPolicies.has(policyId));
  }

  /** `verb` reads "back up". Throws `refusedByRule` for a policy that was imported. */
  refuseImported({ policyId, name }: PolicyRecord, verb: string): void {
    if (!this.#catalog.importedPolicies.has(policyId)) return;
    throw HoldfastError.failedTo('refusedByRule', `${verb} policy ${name}`, 'it was imported, and is only read here', {
      fix: 'Do it at the installation that it comes from.',
    });
  }

  list(page: PageParams): Page<Policy> {
    return pageOfArray(this.all(), page, (record) => this.#describeAnyway(record));
  }

  /** Errors: `nameTaken`, `unknownName` (the location), `sourceMissing`, `badValue`, `refusedByRule` (a source in a folder of Holdfast's own). */
  async create(params: PolicyCreateParams): Promise<Policy> {
    const { locationId } = this.#options.resolveLocation(params.location);
    const { name, sources, location: _, ...rules } = params;
    const schedule = this.#schedule(rules.schedule) ?? null;
    const definition: PolicyDefinition = { ...rules, schedule, sources: withSourceIds(sources, []) };
    await checkSources(definition.sources, this.#options.ownFolders());
    const record: PolicyRecord = {
      policyId: idOf<PolicyId>(randomUUID()),
      name,
      locationId,
      definition,
      keyGeneration: 1,
      createdAt: this.#options.wallClock().toISOString(),
      paused: false,
      deletedAt: null,
    };
    this.#catalog.policies.add(record);
    this.#options.onChanged(record.policyId);
    return this.describe(record);
  }

  /** What is left out stays. Errors as in `create`. */
  async edit(params: PolicyEditParams): Promise<Policy> {
    const { policy: reference, name, sources, location, ...rules } = params;
    const asked = this.resolve(reference);
    const { policyId } = asked;
    if (sources !== undefined || location !== undefined || Object.keys(rules).length > 0)
      this.refuseImported(asked, 'change more than the name of');
    const schedule = this.#schedule(rules.schedule);
    if (location !== undefined) this.#options.resolveLocation(location);
    await checkSources(withSources(asked, sources).added, this.#options.ownFolders());
    // What another request changed while the sources were looked at stays.
    const record = this.resolve(policyId);
    const { before, now } = withSources(record, sources);
    this.#catalog.policies.change(policyId, {
      ...(name === undefined ? {} : { name }),
      locationId: location === undefined ? record.locationId : this.#options.resolveLocation(location).locationId,
      definition: { ...before, ...rules, ...(schedule === undefined ? {} : { schedule }), sources: now },
    });
    this.#options.onChanged(policyId);
    return this.describe(this.#known(policyId));
  }

  /** Nothing of it runs by itself any more. */
  pause(reference: string): Policy {
    return this.#setPaused(reference, true);
  }

  /** Its schedule holds again, from now on. */
  resume(reference: string): Policy {
    return this.#setPaused(reference, false);
  }

  /** Refusals by rule of `delete`: `stillInUse`, then `confirmationNeeded`. */
  checkDelete(reference: string, confirmed: boolean): PolicyRecord {
    const record = this.resolve(reference);
    if (this.#options.isBusy(record.policyId)) {
      throw new HoldfastError('stillInUse', `Failed to delete policy ${record.name}: an action of it is running.`, {
        fix: 'Wait for its end, or cancel it with "holdfast action cancel".',
      });
    }
    if (!confirmed && this.#catalog.importedPolicies.has(record.policyId)) {
      const text = `Delete policy ${record.name}, which was imported? Its restore points leave the list, and its key is forgotten; what is stored stays where it is.`;
      throw new HoldfastError('confirmationNeeded', text, { fix: 'Say --yes.' });
    }
    if (!confirmed) {
      const count = this.#catalog.restorePoints.countLive(record.policyId);
      const kept = `its ${counted(count, 'restore point stays until it is', 'restore points stay until they are')} retired`;
      throw new HoldfastError('confirmationNeeded', `Delete policy ${record.name}? Nothing backs its sources up any more; ${kept}.`, {
        fix: 'Say --yes.',
      });
    }
    return record;
  }

  delete(reference: string, confirmed: boolean): Policy {
    const record = this.checkDelete(reference, confirmed);
    const described = this.#describeAnyway(record);
    if (this.#catalog.importedPolicies.has(record.policyId)) {
      this.#catalog.forgetImported(record.policyId);
      this.#options.onForgotten(record.policyId);
    } else {
      this.#catalog.policies.delete(record.policyId, this.#options.wallClock().toISOString());
    }
    this.#options.onChanged(record.policyId);
    return described;
  }

  /** Throws `catalogDamaged` where its definition can not be read. */
  describe(record: PolicyRecord): Policy {
    return this.#described(record, definitionOf(record), null);
  }

  #described(record: PolicyRecord, definition: PolicyDefinition, problem: string | null): Policy {
    const { sources, ...rules } = definition;
    const location = record.locationId === null ? undefined : this.#catalog.locations.get(record.locationId);
    const last = this.#catalog.actions.lastFinished('backup', record.policyId);
    return {
      ...rules,
      policyId: record.policyId,
      name: record.name,
      sources,
      location: location?.name ?? '',
      locationId: record.locationId ?? '',
      paused: record.paused,
      createdAt: record.createdAt,
      nextRunAt: this.#options.nextRunAt(record.policyId),
      lastRun:
        last?.finishedAt === undefined || last.finishedAt === null
          ? null
          : { actionId: last.actionId, outcome: last.state, finishedAt: last.finishedAt },
      restorePoints: this.#catalog.restorePoints.countLive(record.policyId),
      problem,
      imported: this.#imported(record.policyId),
    };
  }

  #imported(policyId: PolicyId): ImportedPolicy | null {
    const record = this.#catalog.importedPolicies.get(policyId);
    if (record === undefined) return null;
    const { installationId, fingerprint, importedAt, pollSeconds, refreshedAt, problem } = record;
    return { installationId, fingerprint, importedAt, pollSeconds, refreshedAt, problem };
  }

  /** In its stored form. Throws `badValue`. */
  #schedule(typed: string | null | undefined): string | null | undefined {
    return typeof typed === 'string' ? normalSchedule(typed, this.#options.wallClock().getTime()) : typed;
  }

  #setPaused(reference: string, paused: boolean): Policy {
    const record = this.resolve(reference);
    this.refuseImported(record, paused ? 'pause' : 'resume');
    if (record.paused !== paused) {
      this.#catalog.policies.change(record.policyId, { paused });
      this.#options.onChanged(record.policyId);
    }
    return this.#describeAnyway(this.#known(record.policyId));
  }

  /** One that can not be read too, with what is known of it beside its definition, and why. */
  #describeAnyway(record: PolicyRecord): Policy {
    try {
      return this.describe(record);
    } catch (error) {
      if (!HoldfastError.is(error, 'catalogDamaged')) throw error;
      return this.#described(record, emptyDefinition, [error.message, error.fix].join(' '));
    }
  }

  #known(policyId: PolicyId): PolicyRecord {
    const record = this.#catalog.policies.get(policyId);
    if (record === undefined) throw new HoldfastError('unknownName', `Failed to find policy ${policyId}: there is none.`);
    return record;
  }
}

/** Throws `catalogDamaged` where the stored definition is none of this program's. */
export function definitionOf(record: PolicyRecord): PolicyDefinition {
  const definition = parsePolicyDefinition(record.definition);
  if (definition !== undefined) return definition;
  throw new HoldfastError('catalogDamaged', `Failed to read policy ${record.name}: its definition is not one of this program's.`, {
    fix: 'Update Holdfast, or give the policy its sources anew with "holdfast policy edit".',
  });
}

/** A policy's definition as it is, its sources as they are to be, and those of them that it has not yet. Throws `badValue`, `catalogDamaged`. */
function withSources(
  record: PolicyRecord,
  sources: PolicyEditParams['sources'],
): { readonly before: PolicyDefinition; readonly now: readonly SourceDefinition[]; readonly added: readonly SourceDefinition[] } {
  const before = sources === undefined ? definitionOf(record) : (parsePolicyDefinition(record.definition) ?? emptyDefinition);
  const now = sources === undefined ? before.sources : withSourceIds(sources, before.sources);
  return { before, now, added: now.filter((source) => !before.sources.some(({ sourceId }) => sourceId === source.sourceId)) };
}

/** What new sources are put into, and what is shown, where the old definition cannot be read. */
const emptyDefinition: PolicyDefinition = {
  ...usualSourceRules,
  ...usualRunRules,
  sources: [],
};

/** Throws `refusedByRule` where a source is or lies in the state directory or a location: it would back Holdfast up into itself. */
export async function refuseOwn(path: string, ownFolders: readonly string[]): Promise<void> {
  const inside = await folderAround(path, ownFolders);
  if (inside === undefined) return;
  throw new HoldfastError('refusedByRule', `Failed to take the source ${path}: it lies in ${inside}, which Holdfast keeps its own in.`, {
    fix: 'Name a folder outside of the state directory and of every location.',
  });
}

async function checkSources(sources: readonly SourceDefinition[], ownFolders: readonly string[]): Promise<void> {
  for (const source of sources) {
    // A command is not tried: that would be a run.
    if (source.kind === 'command') continue;
    const { path } = source;
    await refuseOwn(path, ownFolders);
    try {
      const facts = await stat(path);
      if (facts.isDirectory() || facts.isFile()) continue;
    } catch (error) {
      throw new HoldfastError('sourceMissing', `Failed to take the source ${path}: it is not there, or this user may not look at it.`, {
        fix: 'Check the path and its permissions.',
        cause: error,
      });
    }
    throw new HoldfastError('badValue', `Failed to take the source ${path}: it is neither a folder nor a file.`, { fix: 'Name a folder.' });
  }
}
