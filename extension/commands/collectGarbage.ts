import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { locationCollectGarbage } from '../../protocol/methods/garbage.ts';
import type { Services } from '../services.ts';
import { actionTitle } from '../work/outcomeText.ts';
import { followWork } from '../work/followWork.ts';
import { locationOf } from './pickThing.ts';

/** Gives back the space that nothing needs any more. What is condemned today goes by a collection of tomorrow. */
export async function collectGarbage(services: Services, args: readonly unknown[]): Promise<void> {
  const location = await locationOf(services, args, { title: vscode.l10n.t('Collect Garbage') });
  if (location === undefined) return;
  const { actionId } = await services.daemon.call(locationCollectGarbage, {
    requestId: randomUUID(),
    location: location.id,
    dryRun: false,
  });
  await followWork(services, { actionId, title: actionTitle('collectGarbage', location.name), view: 'holdfast.locations' });
}
