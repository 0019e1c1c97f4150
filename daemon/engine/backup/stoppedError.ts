import { HoldfastError } from '../../../protocol/errors.ts';
import type { BackupStopped } from '../jobs.ts';

/** Ends a run without a restore point: the error that stopped it, with its own code, details and way out, and what the run left behind. */
export class BackupStoppedError extends HoldfastError {
  readonly remains: BackupStopped;

  constructor(error: unknown, remains: BackupStopped) {
    const cause = error instanceof Error ? error.message : String(error);
    const { code, message, fix, details } = HoldfastError.is(error)
      ? error
      : { code: 'failed' as const, message: `Failed to back up: ${cause}`, fix: undefined, details: undefined };
    super(code, message, { cause: error, ...(fix === undefined ? {} : { fix }), ...(details === undefined ? {} : { details }) });
    this.remains = remains;
  }
}
