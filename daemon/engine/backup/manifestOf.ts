import { compareLive, maxInlineLive } from '../../repository/liveList.ts';
import type { Manifest, PinnedIndex } from '../../repository/manifestTypes.ts';
import { chunkerName, defaultChunkerParameters } from '../chunker/chunkerParameters.ts';
import type { BackupJob, BackupStatistics } from '../jobs.ts';
import type { WalkResult } from './messages.ts';

/** Sentences that a manifest carries at most; the run's own report has more. */
const warningsAtMost = 1000;

export interface ManifestParts {
  readonly started: Date;
  readonly finished: Date;
  readonly walked: WalkResult;
  readonly indexes: readonly PinnedIndex[];
  readonly statistics: BackupStatistics;
  readonly compressionLevel: number;
}

/** The manifest of a finished walk. Throws `RangeError` where a list of live restore points is missing. */
export function manifestOf(job: BackupJob, parts: ManifestParts): Manifest {
  const { walked, started, finished } = parts;
  const isWindows = process.platform === 'win32';
  const sources = walked.roots.map(({ sourceId, root }) => {
    const source = job.sources.find(({ id }) => id === sourceId);
    const isCommand = source?.kind === 'command';
    return {
      id: sourceId,
      kind: isCommand ? 'command' : 'folder',
      label: source?.label ?? '',
      nameEncoding: isWindows && !isCommand ? 'wtf-8' : 'bytes',
      // A command's output has no path, whatever the system (docs/format.md, Manifests).
      separator: isWindows && !isCommand ? '\\' : '/',
      root,
    } as const;
  });
  return {
    formatVersion: 1,
    writer: job.writer,
    policyId: job.keys.policyId,
    policy: job.policyDefinition,
    sequence: job.sequence,
    previous: job.previous,
    claimed: {
      started: started.toISOString(),
      finished: finished.toISOString(),
      storeTime: job.storeTime?.()?.toISOString() ?? null,
    },
    keyGeneration: job.keys.keyGeneration,
    sources,
    indexes: parts.indexes,
    live: liveOf(job, walked.liveListId),
    heads: job.heads,
    params: { chunker: chunkerName, ...defaultChunkerParameters, codec: `zstd-${parts.compressionLevel}`, padding: 'padme-64k' },
    statistics: { ...parts.statistics, ...(job.description === undefined ? {} : { description: job.description }) },
    warnings: warningsOf(walked),
  };
}

function liveOf(job: BackupJob, liveListId: Uint8Array | null): Manifest['live'] {
  if (job.live.length <= maxInlineLive) return job.live.toSorted(compareLive);
  if (liveListId === null) throw new RangeError('no list of live restore points was stored');
  return { id: liveListId, count: job.live.length };
}

function warningsOf(walked: WalkResult): string[] {
  const skipped = walked.skipped.map(({ path, reason }) => `${path} was skipped: ${reason}.`);
  const all = [...walked.warnings, ...skipped];
  const left = all.length - warningsAtMost + (walked.skippedCount - walked.skipped.length);
  return left <= 0 ? all : [...all.slice(0, warningsAtMost), `${left} more.`];
}
