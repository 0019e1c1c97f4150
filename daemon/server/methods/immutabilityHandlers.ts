import {
  immutabilityAbsence,
  immutabilityAudit,
  immutabilityRefresh,
  immutabilityStatus,
  locationProveLock,
} from '../../../protocol/methods/immutability.ts';
import type { Immutability } from '../../immutability/immutability.ts';
import type { Installation } from '../../installation/installation.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function immutabilityHandlers(immutability: Immutability, installation: Installation): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(immutabilityStatus, async ({ location }) => immutability.service.status(location)),
    handlerOf(immutabilityRefresh, async ({ location, requestId }) => ({
      actionId: immutability.startWork('refreshLocks', location, { requestId, startedBy: 'user' }).actionId,
    })),
    handlerOf(immutabilityAudit, async ({ location, requestId }) => ({
      actionId: immutability.startWork('auditLocks', location, { requestId, startedBy: 'user' }).actionId,
    })),
    handlerOf(locationProveLock, async ({ location, requestId }) => ({
      actionId: immutability.startWork('proveLock', location, { requestId, startedBy: 'user' }).actionId,
    })),
    handlerOf(immutabilityAbsence, async ({ days }) => {
      installation.longestAbsence.set(days);
      immutability.stateChanged();
      return { longestAbsenceDays: installation.longestAbsence.days };
    }),
  ];
}
