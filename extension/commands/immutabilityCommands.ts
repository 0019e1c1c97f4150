import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { ActionKind } from '../../protocol/methods/actions.ts';
import { immutabilityAudit, immutabilityRefresh, locationProveLock } from '../../protocol/methods/immutability.ts';
import type { Location } from '../../protocol/methods/locations.ts';
import type { Services } from '../services.ts';
import { actionTitle } from '../work/outcomeText.ts';
import { followWork } from '../work/followWork.ts';
import { locationOf, type Thing } from './pickThing.ts';

/** Tries on objects of its own whether the store keeps to its locks. */
export async function proveLock(services: Services, args: readonly unknown[]): Promise<void> {
  const location = await lockedLocationOf(services, args, vscode.l10n.t('Prove Lock'));
  if (location === undefined) return;
  const { actionId } = await services.daemon.call(locationProveLock, { requestId: randomUUID(), location: location.id });
  await follow(services, 'proveLock', location, actionId);
}

/** Extends every lock that is short. The daemon does it by itself; this is for who wants it now. */
export async function refreshLocks(services: Services, args: readonly unknown[]): Promise<void> {
  const location = await lockedLocationOf(services, args, vscode.l10n.t('Refresh Locks Now'));
  if (location === undefined) return;
  const { actionId } = await services.daemon.call(immutabilityRefresh, { requestId: randomUUID(), location: location.id });
  await follow(services, 'refreshLocks', location, actionId);
}

/** Compares what the store holds with what was put there. Findings are a report to read. */
export async function auditLocks(services: Services, args: readonly unknown[]): Promise<void> {
  const location = await lockedLocationOf(services, args, vscode.l10n.t('Audit Now'));
  if (location === undefined) return;
  const { actionId } = await services.daemon.call(immutabilityAudit, { requestId: randomUUID(), location: location.id });
  await follow(services, 'auditLocks', location, actionId);
}

function keepsLocks({ protectionPeriodDays }: Location): boolean {
  return protectionPeriodDays !== null;
}

async function lockedLocationOf(services: Services, args: readonly unknown[], title: string): Promise<Thing | undefined> {
  return await locationOf(services, args, { title, fits: keepsLocks });
}

async function follow(services: Services, kind: ActionKind, { name }: Thing, actionId: string): Promise<void> {
  await followWork(services, { actionId, title: actionTitle(kind, name), view: 'holdfast.locations' });
}
