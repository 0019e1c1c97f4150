import * as vscode from 'vscode';
import { locationRemove, locationValidate } from '../../protocol/methods/locations.ts';
import { ask } from '../connection/asking.ts';
import { checkChoices, verdictOf } from '../forms/location/checkChoices.ts';
import { itemsOf } from '../forms/quickInputs.ts';
import type { Services } from '../services.ts';
import { plainText } from '../ui/plainText.ts';
import { locationOf } from './pickThing.ts';

/** Asks first: what is stored there stays, and is known no more. */
export async function removeLocation(services: Services, args: readonly unknown[]): Promise<void> {
  const location = await locationOf(services, args, { title: vscode.l10n.t('Remove Location…') });
  if (location === undefined) return;
  const act = vscode.l10n.t('Remove Location');
  await ask(services.daemon, locationRemove, act, (confirmed) => ({ location: location.id, confirmed }));
}

/** Looks at a location, and shows every check with what to do where one fails. */
export async function validateLocation(services: Services, args: readonly unknown[]): Promise<void> {
  const location = await locationOf(services, args, { title: vscode.l10n.t('Validate Location') });
  if (location === undefined) return;
  const { checks } = await vscode.window.withProgress(
    { location: { viewId: 'holdfast.locations' } },
    async () => await services.daemon.call(locationValidate, { location: location.id }),
  );
  await vscode.window.showQuickPick(itemsOf(checkChoices(checks, undefined)), {
    title: vscode.l10n.t('Location {0}: {1}', plainText(location.name), verdictOf(checks)),
    placeHolder: vscode.l10n.t('What was looked at'),
    matchOnDetail: true,
    ignoreFocusOut: true,
  });
}
