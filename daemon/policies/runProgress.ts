import type { RunProgress } from '../actions/progress.ts';
import type { EngineProgress } from '../engine/jobs.ts';

/** The engine's progress as actions have it. */
export function progressOf(progress: EngineProgress): RunProgress {
  return {
    phase: progress.phase,
    files: progress.files,
    bytes: progress.bytes,
    totalFiles: progress.totalFiles ?? null,
    totalBytes: progress.totalBytes ?? null,
  };
}
