import * as z from 'zod';
import { HoldfastError, isErrorCode } from './errors.ts';

/** The error member of a JSON-RPC response. Programs look at `data.code`; the number is the reserved one of JSON-RPC where there is one, else the exit status. */
export interface WireError {
  readonly code: number;
  readonly message: string;
  readonly data?: WireErrorData;
}

export interface WireErrorData {
  readonly code: string;
  readonly fix?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

const wireErrorData: z.ZodType<WireErrorData> = z.object({
  code: z.string().max(64),
  fix: z.string().exactOptional(),
  details: z.record(z.string(), z.unknown()).exactOptional(),
});

export const wireError: z.ZodType<WireError> = z.object({ code: z.int(), message: z.string(), data: wireErrorData.exactOptional() });

/** JSON-RPC 2.0, section 5.1, and the number that vscode-jsonrpc gives a cancelled request. */
export const jsonRpcCodes = {
  invalidRequest: -32600,
  requestCancelled: -32800,
} as const;

/** An error as it goes over the wire. */
export function toWireError(error: HoldfastError): WireError {
  const fix = error.fix === undefined ? {} : { fix: error.fix };
  const details = error.details === undefined ? {} : { details: error.details };
  return {
    code: error.code === 'cancelled' ? jsonRpcCodes.requestCancelled : error.exitStatus,
    message: error.message,
    data: { code: error.code, ...fix, ...details },
  };
}

/** The error that the other side meant. A code that this version does not know becomes `failed`, with the code in the details. */
export function fromWireError(error: WireError): HoldfastError {
  const code = error.data?.code;
  const fix = error.data?.fix === undefined ? {} : { fix: error.data.fix };
  if (code !== undefined && isErrorCode(code)) {
    return new HoldfastError(code, error.message, {
      ...fix,
      ...(error.data?.details === undefined ? {} : { details: error.data.details }),
    });
  }
  return new HoldfastError('failed', error.message, { ...fix, details: { ...error.data?.details, unknownCode: code ?? error.code } });
}
