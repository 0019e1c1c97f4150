import { type ErrorCode, HoldfastError } from '../../protocol/errors.ts';
import { systemCode } from '../../protocol/systemCode.ts';

interface Cause {
  readonly code: ErrorCode;
  readonly cause: string;
  readonly fix: string;
}

const full = (what: string): Cause => ({
  code: 'storeFull',
  cause: what,
  fix: 'Free some space where the location lies, or let the policy use another location.',
});
const readOnly = (what: string): Cause => ({ code: 'storeReadOnly', cause: what, fix: 'Give this user the right to write to the folder.' });
const unreachable = (what: string): Cause => ({
  code: 'storeUnreachable',
  cause: what,
  fix: 'Connect or mount the drive or share of this location, then try again.',
});

const causes: Readonly<Record<string, Cause>> = {
  ENOSPC: full('there is no space left'),
  EDQUOT: full('the quota is used up'),
  EFBIG: full('the file system takes no file of that size'),
  EROFS: readOnly('the file system is read-only'),
  EACCES: readOnly('access was denied'),
  EPERM: readOnly('the operation is not permitted'),
  ENOENT: unreachable('a part of the path is not there'),
  ENOTDIR: unreachable('a part of the path is not a folder'),
  ENODEV: unreachable('the device is not there'),
  ENXIO: unreachable('the device is not there'),
  ENOTCONN: unreachable('the connection to the file system is lost'),
  ESTALE: unreachable('the network file system has lost this folder'),
  EHOSTDOWN: unreachable('the server is down'),
  EHOSTUNREACH: unreachable('the server is not reachable'),
  ETIMEDOUT: unreachable('the file system did not answer in time'),
};

/** Turns what the system said into the errors that `ObjectStore` promises; `HoldfastError`s pass unchanged. `action` reads "put object x". */
export function storeError(action: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const system = systemCode(error);
  const known = system === undefined ? undefined : causes[system];
  const { code, cause, fix } = known ?? {
    code: 'storeFailed' as const,
    cause: system === 'EIO' ? 'the disk reported an input/output error' : 'the file system refused it',
    fix: 'Check the disk of this location, then try again.',
  };
  const suffix = system === undefined ? '' : ` (${system})`;
  return HoldfastError.failedTo(code, action, `${cause}${suffix}`, {
    fix,
    cause: error,
    ...(system === undefined ? {} : { details: { system } }),
  });
}

/** Rejects with `cancelled` once the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, action: string): void {
  if (signal?.aborted === true) throw new HoldfastError('cancelled', `Failed to ${action}: it was cancelled.`, { cause: signal.reason });
}
