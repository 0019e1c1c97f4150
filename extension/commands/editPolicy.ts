import * as vscode from 'vscode';
import { askToEdit } from '../forms/policy/editing.ts';
import { isReady } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';
import { policyOf } from './pickThing.ts';

/** The policy of the row, or one that the user picks. */
export async function editPolicy(services: Services, args: readonly unknown[]): Promise<void> {
  if (!(await isReady(services))) return;
  const policy = await policyOf(services, args, { title: vscode.l10n.t('Edit Policy…') });
  if (policy !== undefined) await askToEdit(services, policy.id);
}
