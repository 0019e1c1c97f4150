import * as vscode from 'vscode';
import { locationList } from '../../protocol/methods/locations.ts';
import { listAll } from '../connection/listAll.ts';
import { askNewProtection } from '../forms/location/changeProtection.ts';
import { isReady } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';
import { locationOf } from './pickThing.ts';

/** For how long a bucket's locks are kept: longer or shorter, or at all. */
export async function changeProtection(services: Services, args: readonly unknown[]): Promise<void> {
  if (!(await isReady(services))) return;
  const thing = await locationOf(services, args, {
    title: vscode.l10n.t('Change Protection Period…'),
    fits: ({ kind }) => kind === 's3',
  });
  if (thing === undefined) return;
  const location = (await listAll(services.daemon, locationList, {})).find(({ locationId }) => locationId === thing.id);
  if (location !== undefined) await askNewProtection(services, location);
}
