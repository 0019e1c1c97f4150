import type * as z from 'zod';
import { exitStatusOf, HoldfastError, isErrorCode } from '../protocol/errors.ts';
import { type ActionWithResult, actionFindings } from '../protocol/methods/actions.ts';
import type { ErrorDocument, Finding } from '../protocol/methods/values.ts';
import type { Session } from './session.ts';

/** The exit status of an action that has ended. */
export function statusOfAction(action: ActionWithResult): number {
  switch (action.state) {
    case 'complete':
      return 0;
    case 'completeWithWarnings':
      return exitStatusOf.completedWithWarnings;
    case 'cancelled':
      return exitStatusOf.cancelled;
    case 'failed':
      return action.error === null ? exitStatusOf.failed : statusOfCode(action.error.code);
    case 'queued':
    case 'running':
      throw new RangeError('the action has not ended');
  }
}

function statusOfCode(code: string): number {
  return isErrorCode(code) ? exitStatusOf[code] : exitStatusOf.failed;
}

/** Damage and warnings still print the verb's own document; every other failure prints the error. */
export function printsDocument(exitStatus: number): boolean {
  return exitStatus === 0 || exitStatus === exitStatusOf.damaged || exitStatus === exitStatusOf.completedWithWarnings;
}

/** Why an action did not do what it was asked. */
export function errorOfAction(action: ActionWithResult): HoldfastError {
  if (action.error !== null) return errorOfDocument(action.error);
  if (action.state === 'cancelled') return new HoldfastError('cancelled', `Cancelled: ${action.kind} of ${action.subject}.`);
  return new HoldfastError('failed', `Failed to finish ${action.kind} of ${action.subject}: the daemon does not say why.`, {
    fix: 'Look at holdfast log.',
  });
}

function errorOfDocument(document: ErrorDocument): HoldfastError {
  return new HoldfastError(isErrorCode(document.code) ? document.code : 'failed', document.message, {
    ...(document.fix === null ? {} : { fix: document.fix }),
    ...(document.details === null ? {} : { details: document.details }),
  });
}

/** The verb's document of an action that ended. Errors: the action's own where there is none, `protocolViolation`. */
export function documentOfAction<T>(action: ActionWithResult, schema: z.ZodType<T>): T {
  if (action.result === null) throw errorOfAction(action);
  const parsed = schema.safeParse(action.result);
  if (parsed.success) return parsed.data;
  throw new HoldfastError(
    'protocolViolation',
    `Failed to read the result of ${action.kind} of ${action.subject}: it has another shape than this version knows.`,
    {
      fix: 'Stop the daemon with holdfast stop and run it again.',
      cause: parsed.error,
    },
  );
}

/** All findings of a list of which the document holds the first ones. */
export async function allFindings(
  session: Session,
  action: ActionWithResult,
  list: 'skipped' | 'damaged',
  inline: readonly Finding[],
  total: number,
): Promise<readonly Finding[]> {
  if (inline.length >= total) return inline;
  return await session.list(actionFindings, { actionId: action.actionId, list });
}
