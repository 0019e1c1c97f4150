import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import { backupStart } from '../../protocol/methods/backups.ts';
import { policyList } from '../../protocol/methods/policies.ts';
import { listAll } from '../connection/listAll.ts';
import type { Services } from '../services.ts';
import { actionTitle } from '../work/outcomeText.ts';
import { followWork } from '../work/followWork.ts';
import { plainText } from '../ui/plainText.ts';
import { subjectOf } from './argument.ts';

/** Backs up the policy of the row, or those that the user picks: one of them, or all. */
export async function backUpNow(services: Services, args: readonly unknown[]): Promise<void> {
  const chosen = subjectOf(args, 'policy')?.id ?? (await pickPolicies(services));
  if (chosen === undefined) return;
  const all = chosen === everything;
  const { actions } = await services.daemon.call(backupStart, {
    requestId: randomUUID(),
    policies: all ? [] : [chosen],
    all,
    dryRun: false,
  });
  await Promise.all(
    actions.map(async ({ actionId, policy }) => {
      await followWork(services, { actionId, title: actionTitle('backup', policy), view: 'holdfast.policies' });
    }),
  );
}

const everything = Symbol('all policies');

/**
 * The id of one, or all of them; `undefined` where the user left. One that is alone is asked about too: a command that began by itself would let another
 * extension run backups until retention has none left of the day before.
 */
async function pickPolicies({ daemon }: Services): Promise<string | typeof everything | undefined> {
  const policies = await listAll(daemon, policyList, {});
  if (policies.length === 0) {
    throw HoldfastError.failedTo('unknownName', 'back up', 'there is no policy yet', { fix: 'Protect a folder first.' });
  }
  const choices: readonly (vscode.QuickPickItem & { readonly chosen: string | typeof everything })[] = [
    ...(policies.length === 1
      ? []
      : [{ label: vscode.l10n.t('All policies'), iconPath: new vscode.ThemeIcon('run-all'), chosen: everything } as const]),
    ...policies.map(({ policyId, name, location }) => ({
      label: plainText(name),
      description: vscode.l10n.t('to {0}', plainText(location)),
      iconPath: new vscode.ThemeIcon('shield'),
      chosen: policyId,
    })),
  ];
  return (await vscode.window.showQuickPick(choices, { title: vscode.l10n.t('Back Up Now') }))?.chosen;
}
