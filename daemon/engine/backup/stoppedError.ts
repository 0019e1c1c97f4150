import { HoldfastError } from '../../../protocol/errors.ts';
import type { BackupStopped } from '../jobs.ts';

/** Ends a run without a restore point: the error that stopped it, with its own code, details and way out, and what the run left behind. */
export class BackupStoppedError extends HoldfastError {
  readonly remains: BackupStopped;

  /** `action` as in `HoldfastError.failedTo`, for an error that nobody foresaw. */
  constructor(error: unknown, action: string, remains: BackupStopped) {
    const { code, message, reason, fix, details } = HoldfastError.is(error) ? error : HoldfastError.unforeseen(action, error);
    super(code, message, { cause: error, reason, ...(fix === undefined ? {} : { fix }), ...(details === undefined ? {} : { details }) });
    this.remains = remains;
  }
}
