import * as vscode from 'vscode';
import { type LocationCheck, locationRemove, locationValidate } from '../../protocol/methods/locations.ts';
import { ask } from '../connection/asking.ts';
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
  await vscode.window.showQuickPick(worstFirst(checks).map(checkItem), {
    title: vscode.l10n.t('Location {0}: {1}', plainText(location.name), verdictOf(checks)),
    placeHolder: vscode.l10n.t('What was looked at'),
    matchOnDetail: true,
    ignoreFocusOut: true,
  });
}

function verdictOf(checks: readonly LocationCheck[]): string {
  const failed = checks.filter(({ result }) => result === 'fail').length;
  const warned = checks.filter(({ result }) => result === 'warn').length;
  if (failed > 0) return vscode.l10n.t('{0} of {1} checks failed', failed, checks.length);
  if (warned > 0) return vscode.l10n.t('{0} of {1} checks need a look', warned, checks.length);
  return vscode.l10n.t('all {0} checks passed', checks.length);
}

const order: readonly LocationCheck['result'][] = ['fail', 'warn', 'pass'];

function worstFirst(checks: readonly LocationCheck[]): readonly LocationCheck[] {
  return checks.toSorted((left, right) => order.indexOf(left.result) - order.indexOf(right.result));
}

const icons: Readonly<Record<LocationCheck['result'], string>> = { pass: 'pass', fail: 'error', warn: 'warning' };

function checkItem({ check, result, detail, fix }: LocationCheck): vscode.QuickPickItem {
  const words: Readonly<Record<LocationCheck['result'], string>> = {
    pass: vscode.l10n.t('passed'),
    fail: vscode.l10n.t('failed'),
    warn: vscode.l10n.t('needs a look'),
  };
  return {
    label: spaced(check),
    description: words[result],
    detail: plainText(fix === null ? detail : `${detail} ${fix}`),
    iconPath: new vscode.ThemeIcon(icons[result]),
  };
}

/** `otherDisk` as people write it. */
function spaced(check: string): string {
  const words = plainText(check)
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
