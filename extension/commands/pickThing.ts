import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import { type Alert, alertList } from '../../protocol/methods/alerts.ts';
import { type Location, locationList } from '../../protocol/methods/locations.ts';
import { type Passkey, passkeyList } from '../../protocol/methods/passkeys.ts';
import { type Policy, policyList } from '../../protocol/methods/policies.ts';
import { listAll } from '../connection/listAll.ts';
import type { Services } from '../services.ts';
import { plainText } from '../ui/plainText.ts';
import { alertRow } from '../views/alerts/alert.ts';
import { locationRow } from '../views/locations/location.ts';
import { passkeyRow } from '../views/passkeys/passkey.ts';
import { policyRow } from '../views/policies/policy.ts';
import type { Row } from '../views/row.ts';
import { subjectOf } from './argument.ts';

export interface Thing {
  readonly id: string;
  readonly name: string;
}

interface Question<Item> {
  readonly title: string;
  /** Which ones the command can work on. Left out: all. */
  readonly fits?: (item: Item) => boolean;
}

interface ThingItem extends vscode.QuickPickItem {
  readonly thing: Thing;
}

/** The policy of the row that the command was called on, or one that the user picks. `undefined` where he left; rejects where there is none to pick. */
export async function policyOf(services: Services, args: readonly unknown[], question: Question<Policy>): Promise<Thing | undefined> {
  const subject = subjectOf(args, 'policy');
  if (subject !== undefined) return subject;
  const policies = await listAll(services.daemon, policyList, {});
  const none = vscode.l10n.t('there is no policy that this can be done with');
  return await pickRow(policies, question, (policy) => ({ row: policyRow(policy, undefined, new Date()), name: policy.name }), none);
}

/** Also the one that an alert is about. */
export async function passkeyOf(services: Services, args: readonly unknown[], question: Question<Passkey>): Promise<Thing | undefined> {
  const subject = subjectOf(args, 'passkey') ?? subjectOf(args, 'alert')?.passkey;
  if (subject !== undefined) return subject;
  const passkeys = (await listAll(services.daemon, passkeyList, {})).filter(({ state }) => state !== 'retired');
  const none = vscode.l10n.t('there is no passkey that this can be done with');
  return await pickRow(passkeys, question, (passkey) => ({ row: passkeyRow(passkey, new Date()), name: passkey.name }), none);
}

/** Also the one that an alert is about. */
export async function locationOf(services: Services, args: readonly unknown[], question: Question<Location>): Promise<Thing | undefined> {
  const subject = subjectOf(args, 'location') ?? subjectOf(args, 'alert')?.location;
  if (subject !== undefined) return subject;
  const locations = await listAll(services.daemon, locationList, {});
  const none = vscode.l10n.t('there is no location that this can be done with');
  return await pickRow(locations, question, (location) => ({ row: locationRow(location), name: location.name }), none);
}

export async function alertOf(services: Services, args: readonly unknown[], question: Question<Alert>): Promise<Thing | undefined> {
  const subject = subjectOf(args, 'alert');
  if (subject !== undefined) return { id: subject.id, name: subject.message };
  const alerts = await listAll(services.daemon, alertList, { all: false });
  const none = vscode.l10n.t('there is no alert that this can be done with');
  return await pickRow(alerts, question, (alert) => ({ row: alertRow(alert, new Date()), name: alert.message }), none);
}

async function pickRow<Item>(
  items: readonly Item[],
  { title, fits = () => true }: Question<Item>,
  shown: (item: Item) => { readonly row: Row; readonly name: string },
  none: string,
): Promise<Thing | undefined> {
  const choices = items.filter(fits).map((item): ThingItem => {
    const { row, name } = shown(item);
    const { id, label, description = '', icon } = row.facts;
    return {
      label: plainText(label),
      description: plainText(description),
      ...(icon === undefined ? {} : { iconPath: new vscode.ThemeIcon(icon.name) }),
      thing: { id, name },
    };
  });
  if (choices.length === 0) throw HoldfastError.failedTo('unknownName', title.replace(/…$/, ''), none);
  const picked = await vscode.window.showQuickPick(choices, { title, matchOnDescription: true });
  return picked?.thing;
}
