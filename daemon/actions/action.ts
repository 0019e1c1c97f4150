import type { ErrorCode } from '../../protocol/errors.ts';
import type { ActionId } from '../../protocol/ids.ts';
import type { ActionProgress } from './progress.ts';

export type ActionKind = 'backup' | 'restore' | 'verify' | 'importStored';

export type ActionState = 'queued' | 'running' | 'complete' | 'completeWithWarnings' | 'failed' | 'cancelled';

export interface ActionError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;
}

/** One run of work as clients see it. Times are RFC 3339 UTC. */
export interface Action {
  readonly actionId: ActionId;
  readonly kind: ActionKind;
  /** What it works on, for people: a policy's name, a restore point's id. */
  readonly subject: string;
  readonly state: ActionState;
  readonly requestId: string;
  readonly queuedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly progress: ActionProgress;
  /** The verb's own document once there is one, also with warnings and damage; `null` before and where it failed without one. */
  readonly result: unknown;
  readonly error: ActionError | null;
}

export function isEnded(state: ActionState): boolean {
  switch (state) {
    case 'queued':
    case 'running':
      return false;
    case 'complete':
    case 'completeWithWarnings':
    case 'failed':
    case 'cancelled':
      return true;
  }
}
