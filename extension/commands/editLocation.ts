import * as vscode from 'vscode';
import { locationList } from '../../protocol/methods/locations.ts';
import { listAll } from '../connection/listAll.ts';
import { askLocationChange } from '../forms/location/editLocation.ts';
import { isReady } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';
import { locationOf } from './pickThing.ts';

/** Where a bucket is, who may write there, and how long it is protected. */
export async function editLocation(services: Services, args: readonly unknown[]): Promise<void> {
  if (!(await isReady(services))) return;
  const thing = await locationOf(services, args, { title: vscode.l10n.t('Edit Location…'), fits: ({ kind }) => kind === 's3' });
  if (thing === undefined) return;
  const location = (await listAll(services.daemon, locationList, {})).find(({ locationId }) => locationId === thing.id);
  if (location !== undefined) await askLocationChange(services, location);
}
