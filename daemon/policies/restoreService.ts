import { dirname } from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { counted } from '../../protocol/wording.ts';
import type { SourceId } from '../../protocol/ids.ts';
import type { RestoreDocument, RestoreStartParams } from '../../protocol/methods/restores.ts';
import { findingsInline } from '../../protocol/methods/values.ts';
import type { ActionRun, WorkResult } from '../actions/actionQueue.ts';
import { roundedSeconds } from '../actions/seconds.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import type { RestoreJob, RestoreResult, RestoreTarget, SkippedEntry } from '../engine/jobs.ts';
import type { Installation } from '../installation/installation.ts';
import type { ManifestSource } from '../repository/manifestTypes.ts';
import type { OpenRestorePoint, OpenRestorePoints } from './openRestorePoints.ts';
import { RestorePointContents } from './restorePointContents.ts';
import { progressOf } from './runProgress.ts';
import { folderAround } from './folderAround.ts';
import { refuseTakenPlaces, type TargetInPlace } from './inPlace.ts';
import { refuseReadOnly, targetIsEmpty } from './targetFolder.ts';

export interface RestoreServiceOptions {
  readonly installation: Installation;
  readonly restorePoints: OpenRestorePoints;
  readonly runRestore: (job: RestoreJob) => Promise<RestoreResult>;
}

/** Gives restore points back: all of one or single paths, into a folder or over the sources. */
export class RestoreService {
  readonly #options: RestoreServiceOptions;

  constructor(options: RestoreServiceOptions) {
    this.#options = options;
  }

  /** What can be refused before any work: `targetNotEmpty`, `unknownName` (a path). */
  async check(record: RestorePointRecord, params: RestoreStartParams, signal: AbortSignal): Promise<void> {
    if (params.target === null && this.#options.installation.catalog.importedPolicies.has(record.policyId)) {
      // Where it would go another machine says, or whoever has its migration key.
      throw HoldfastError.failedTo(
        'refusedByRule',
        `restore restore point ${record.id.slice(0, 8)} in place`,
        'it was imported from another machine',
        {
          fix: 'Name a folder with --target.',
        },
      );
    }
    if (params.target !== null && params.conflict === 'refuse' && !(await targetIsEmpty(params.target, this.#endedRunIds()))) {
      throw new HoldfastError('targetNotEmpty', `Failed to restore into ${params.target}: it is not empty.`, {
        fix: 'Choose an empty folder, or say --conflict skip, overwrite or rename.',
      });
    }
    if (params.target !== null) {
      await this.#refuseOwn(params.target);
      await refuseReadOnly(params.target, process.env);
    }
    const mayBeTaken = params.target === null && params.conflict === 'refuse';
    if (params.paths.length === 0 && !mayBeTaken) return;
    const open = await this.#options.restorePoints.open(record, signal);
    const selection = await selectionOf(new RestorePointContents(open.reader), params.paths, signal);
    if (!mayBeTaken) return;
    const withPlace = wantedSources(open.reader.manifest.sources, selection).filter(({ kind }) => kind !== 'command');
    await this.#refuseTaken(await Promise.all(withPlace.map((source) => placeOf(source, open, signal))), selection);
  }

  async run(record: RestorePointRecord, params: RestoreStartParams, run: ActionRun): Promise<WorkResult> {
    const { installation, restorePoints, runRestore } = this.#options;
    const open = await restorePoints.open(record, run.signal);
    const contents = new RestorePointContents(open.reader);
    const selection = await selectionOf(contents, params.paths, run.signal);
    const { manifest } = open.reader;
    const wanted = wantedSources(manifest.sources, selection);
    // What a command printed has no place of its own to go back to.
    const withoutPlace = params.target === null ? wanted.filter(({ kind }) => kind === 'command') : [];
    const withPlace = wanted.filter((source) => !withoutPlace.includes(source));
    const { target } = params;
    const places = target === null ? await Promise.all(withPlace.map((source) => placeOf(source, open, run.signal))) : [];
    const targets = target === null ? places : withPlace.map((source) => targetOf(source, target, contents));
    // In place means where the manifest says, and another writer's manifest may say anything.
    for (const { folder } of targets) await this.#refuseOwn(folder);
    const mayBeTaken = target === null && params.conflict === 'refuse';
    if (mayBeTaken) await this.#refuseTaken(places, selection);
    const restored = await runRestore({
      keys: open.keys,
      store: open.store,
      sources: manifest.sources,
      indexes: manifest.indexes,
      targets,
      ...(selection === undefined ? { expected: { files: record.files, bytes: record.bytes } } : { selection }),
      // The folder around what was lost is not empty, and need not be: what has come there since it was looked at stays.
      conflict: mayBeTaken ? 'skip' : params.conflict,
      dryRun: params.dryRun,
      runId: run.actionId,
      endedRunIds: this.#endedRunIds(),
      signal: run.signal,
      onProgress: (progress) => run.report(progressOf(progress)),
    });
    const left = withoutPlace.map((source) => leftInPlace(contents.layout.outputName(source)));
    const result: RestoreResult = {
      ...restored,
      skipped: [...left, ...restored.skipped],
      skippedCount: left.length + restored.skippedCount,
      hasWarnings: left.length > 0 || restored.hasWarnings,
    };
    installation.catalog.transaction(() => {
      installation.catalog.actions.addFindings(run.actionId, 'skipped', result.skipped.map(plain));
      installation.catalog.actions.addFindings(run.actionId, 'damaged', result.damaged.map(plain));
    });
    return documentOf(record, run, result);
  }

  async #refuseTaken(places: readonly TargetInPlace[], selection: Selection | undefined): Promise<void> {
    await refuseTakenPlaces(places, selection, this.#endedRunIds());
  }

  #endedRunIds(): ReadonlySet<string> {
    try {
      return new Set(this.#options.installation.catalog.actions.endedShort('restore'));
    } catch (error) {
      // A damaged history keeps nothing from being given back: what was left stays where it is.
      if (!HoldfastError.is(error, 'catalogDamaged')) throw error;
      return new Set();
    }
  }

  /** Throws `refusedByRule` for a folder in which something of this installation lies. */
  async #refuseOwn(folder: string): Promise<void> {
    const inside = await folderAround(folder, this.#options.installation.ownFolders);
    if (inside === undefined) return;
    throw new HoldfastError('refusedByRule', `Failed to restore into ${folder}: it lies in ${inside}, which Holdfast keeps its own in.`, {
      fix: 'Choose a folder outside of the state directory and of every location.',
    });
  }
}

function leftInPlace(path: string): SkippedEntry {
  return {
    path,
    reason:
      'a command printed it, so it has no place to go back to: "holdfast restore" with --target, or "holdfast restore-point cat", gives it',
    special: false,
  };
}

/** Raw paths in each source. */
type Selection = ReadonlyMap<SourceId, readonly Uint8Array[]>;

function wantedSources(sources: readonly ManifestSource[], selection: Selection | undefined): readonly ManifestSource[] {
  return selection === undefined ? sources : sources.filter((source) => selection.has(source.id));
}

/** Where a source came from. */
async function placeOf(source: ManifestSource, { reader }: OpenRestorePoint, signal: AbortSignal): Promise<TargetInPlace> {
  const { child, name } = await reader.rootOf(source, signal);
  return child === undefined
    ? { sourceId: source.id, folder: dirname(source.label), fileName: name }
    : { sourceId: source.id, folder: source.label, fileName: undefined };
}

/**
 * Where a source goes: the target itself, or a folder of its own below it. A single file goes into a folder under its own name, what a command
 * printed into the target itself under the command's.
 */
function targetOf(source: ManifestSource, target: string, contents: RestorePointContents): RestoreTarget {
  if (source.kind === 'command') return { sourceId: source.id, folder: target, name: contents.layout.outputName(source) };
  const folder = contents.layout.folderOf(source);
  return { sourceId: source.id, folder: folder === '' ? target : `${target}/${folder}` };
}

/** Raw paths by source; `undefined` for everything. */
async function selectionOf(contents: RestorePointContents, paths: readonly string[], signal: AbortSignal): Promise<Selection | undefined> {
  if (paths.length === 0) return undefined;
  const selection = new Map<SourceId, Uint8Array[]>();
  for (const path of paths) {
    const located = await contents.locate(path, signal);
    if (located === undefined) return undefined;
    const raw = Buffer.concat(located.names.flatMap((name, index) => (index === 0 ? [name] : [Buffer.from('/'), name])));
    const known = selection.get(located.source.id) ?? [];
    known.push(raw);
    selection.set(located.source.id, known);
  }
  return selection;
}

function documentOf(record: RestorePointRecord, run: ActionRun, result: RestoreResult): WorkResult {
  const outcome = result.damagedCount > 0 ? 'damaged' : result.hasWarnings ? 'completeWithWarnings' : 'complete';
  const document: RestoreDocument = {
    actionId: run.actionId,
    restorePointId: record.id,
    outcome,
    files: result.files,
    bytes: result.bytes,
    skipped: result.skipped.slice(0, findingsInline).map(plain),
    skippedCount: result.skippedCount,
    warnings: result.warnings.slice(0, findingsInline),
    warningsCount: result.warningsCount,
    damaged: result.damaged.slice(0, findingsInline).map(plain),
    damagedCount: result.damagedCount,
    seconds: roundedSeconds(result.seconds),
  };
  const id = record.id.slice(0, 8);
  switch (outcome) {
    case 'complete':
      return { outcome: 'complete', document: { ...document } };
    case 'completeWithWarnings':
      return {
        outcome: 'completeWithWarnings',
        document: { ...document },
        error: new HoldfastError(
          'completedWithWarnings',
          `Restored ${id}; ${counted(result.skippedCount + result.warningsCount, 'entry needs', 'entries need')} a look.`,
          {
            fix: 'Read the report; it names them.',
            details: { warnings: result.warnings.slice(0, 20) },
          },
        ),
      };
    case 'damaged':
      return {
        outcome: 'failed',
        document: { ...document },
        error: new HoldfastError('damaged', `Restored ${id} but for ${counted(result.damagedCount, 'damaged entry', 'damaged entries')}.`, {
          fix: 'Take the entries that the report names from another restore point.',
        }),
      };
  }
}

const plain = ({
  path,
  reason,
}: {
  readonly path: string;
  readonly reason: string;
}): { readonly path: string; readonly reason: string } => ({ path, reason });
