import { availableParallelism, freemem, release, totalmem, uptime } from 'node:os';
import path from 'node:path';
import { statSync } from 'node:fs';
import type { ActionWithResult } from '../../../protocol/methods/actions.ts';
import type { Policy } from '../../../protocol/methods/policies.ts';
import { parseLocationSpec, placeOf } from '../../../protocol/locationSpec.ts';
import { programVersion, protocolVersion } from '../../../protocol/version.ts';
import type { AlertBook } from '../../alerts/alertBook.ts';
import { type PolicyDefinition, parsePolicyDefinition } from '../../catalog/policyDefinition.ts';
import type { PolicyRecord } from '../../catalog/policyStore.ts';
import type { Installation } from '../../installation/installation.ts';
import type { PolicyService } from '../../policies/policyService.ts';
import { launchProblems, processFacts } from '../hardening.ts';
import { logFileName } from '../logger.ts';
import { readLog } from '../logReader.ts';
import type { Unlocking } from '../unlocking.ts';
import { Scrubber } from './scrubber.ts';

export interface DiagnosticsSources {
  readonly stateDirectory: string;
  readonly startedAt: Date;
  readonly wallClock: () => Date;
  readonly installation: Installation;
  readonly policies: PolicyService;
  readonly alerts: AlertBook;
  readonly unlocking: Unlocking;
}

type Document = Readonly<Record<string, unknown>>;

const actionsMost = 100;
const alertsMost = 200;
const linesMost = 400;

/** What somebody who helps needs to know. Neither a key nor a passphrase is anywhere near; command lines and, unless asked for, paths are taken out. */
export async function collectDiagnostics(sources: DiagnosticsSources, withPaths: boolean): Promise<Document> {
  const { installation, policies, alerts, unlocking, stateDirectory, startedAt, wallClock } = sources;
  const { catalog } = installation;
  const isUnlocked = installation.state === 'unlocked';
  const records = isUnlocked ? policies.all() : [];
  // Deleted ones too: the log may be older.
  const definitions = catalog.policies.list({ includeDeleted: true }).map(({ definition }) => parsePolicyDefinition(definition));
  const commands = [...definitions.flatMap(commandsOf), ...unlocking.unattended.commands];
  const scrubber = new Scrubber({ withPaths, commands });
  const { unattended, autoLock } = unlocking;
  const log = await readLog(path.join(stateDirectory, logFileName), { limit: linesMost });
  return {
    collectedAt: wallClock().toISOString(),
    versions: { holdfast: programVersion, protocol: protocolVersion, ...process.versions },
    system: {
      platform: process.platform,
      architecture: process.arch,
      release: release(),
      processors: availableParallelism(),
      memory: totalmem(),
      freeMemory: freemem(),
      uptime: uptime(),
    },
    daemon: {
      state: installation.state,
      startedAt: startedAt.toISOString(),
      memory: { ...process.memoryUsage() },
      launchProblems: launchProblems(processFacts()),
      ...(withPaths ? { stateDirectory, runtimePath: process.execPath } : {}),
      catalogBytes: sizeOf(path.join(stateDirectory, 'catalog.db')),
    },
    installationId: catalog.installation.get()?.installationId ?? null,
    settings: { unattended: unattended.status?.kind ?? null, autoLock: autoLock.status },
    passkeys: catalog.passkeys
      .list()
      .map(({ slotId, kind, state, inUse, createdAt, verifiedAt }) => ({ slotId, kind, state, inUse, createdAt, verifiedAt })),
    locations: catalog.locations.list().map(({ locationId, name, kind, spec, storeId, createdAt, lastValidatedAt, uploadLimit }) => ({
      locationId,
      name,
      kind,
      storeId,
      createdAt,
      lastValidatedAt,
      uploadLimit,
      heldBytes: catalog.objects.heldBytes(locationId),
      ...(withPaths ? { path: placeOf(parseLocationSpec(JSON.parse(spec))) } : {}),
    })),
    policies: isUnlocked ? records.map((record) => shownRecord(record, policies, withPaths)) : null,
    alerts: alerts.list({ all: true, limit: alertsMost }).items.map(({ id, kind, severity, subject, message, since, state }) => ({
      id,
      kind,
      severity,
      subject: scrubber.sentence(subject),
      message: scrubber.sentence(message),
      since,
      state,
    })),
    actions: catalog.actions.list({ limit: actionsMost }).items.map((action) => shownAction(action, scrubber)),
    log: log.items.map(({ time, level, message, facts }) => ({
      time,
      level,
      message: scrubber.sentence(message),
      facts: scrubber.facts(facts),
    })),
  };
}

function commandsOf(definition: PolicyDefinition | undefined): readonly string[] {
  if (definition === undefined) return [];
  const { before, after, sources } = definition;
  const hooks = [before, after].flatMap((hook) => (hook === null ? [] : [hook.command]));
  return [...hooks, ...sources.flatMap((source) => (source.kind === 'command' ? [source.command] : []))];
}

/** Members of a policy that name no file and run nothing. */
const plainMembers = [
  'policyId',
  'name',
  'locationId',
  'location',
  'schedule',
  'keep',
  'readLimit',
  'lowPriority',
  'paused',
  'createdAt',
  'nextRunAt',
  'lastRun',
  'restorePoints',
  'gitignore',
  'oneFileSystem',
  'includeCaches',
  'maxFileSize',
] as const;

/** What cannot be read must not keep the rest from being collected: it may be what help is asked for. */
function shownRecord(record: PolicyRecord, policies: PolicyService, withPaths: boolean): Document {
  const { policyId, name, definition } = record;
  if (parsePolicyDefinition(definition) === undefined) return { policyId, name, isReadable: false };
  return shownPolicy(policies.describe(record), withPaths);
}

function shownPolicy(policy: Policy, withPaths: boolean): Document {
  const { exclude, before, after, sources } = policy;
  return {
    ...Object.fromEntries(plainMembers.map((member) => [member, policy[member]])),
    exclude: withPaths ? exclude : exclude.length,
    before: before === null ? null : { timeLimit: before.timeLimit },
    after: after === null ? null : { timeLimit: after.timeLimit },
    sources: sources.map((source) => ({
      sourceId: source.sourceId,
      kind: source.kind,
      ...(withPaths && source.kind === 'folder' ? { path: source.path } : {}),
    })),
  };
}

function shownAction(action: ActionWithResult, scrubber: Scrubber): Document {
  const { actionId, kind, subject, state, startedBy, queuedAt, startedAt, finishedAt, error } = action;
  const shownError = error === null ? null : { code: error.code, message: scrubber.sentence(error.message) };
  return { actionId, kind, subject: scrubber.sentence(subject), state, startedBy, queuedAt, startedAt, finishedAt, error: shownError };
}

function sizeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.size ?? null;
}
