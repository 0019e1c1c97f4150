import * as vscode from 'vscode';
import { policyDelete, policyPause, policyResume } from '../../protocol/methods/policies.ts';
import { ask } from '../connection/asking.ts';
import type { Services } from '../services.ts';
import { policyOf } from './pickThing.ts';

export async function pausePolicy(services: Services, args: readonly unknown[]): Promise<void> {
  const policy = await policyOf(services, args, { title: vscode.l10n.t('Pause Policy'), fits: ({ paused }) => !paused });
  if (policy !== undefined) await services.daemon.call(policyPause, { policy: policy.id });
}

export async function resumePolicy(services: Services, args: readonly unknown[]): Promise<void> {
  const policy = await policyOf(services, args, { title: vscode.l10n.t('Resume Policy'), fits: ({ paused }) => paused });
  if (policy !== undefined) await services.daemon.call(policyResume, { policy: policy.id });
}

/** Asks first: its restore points stay, and nothing makes new ones. */
export async function deletePolicy(services: Services, args: readonly unknown[]): Promise<void> {
  const policy = await policyOf(services, args, { title: vscode.l10n.t('Delete Policy…') });
  if (policy === undefined) return;
  await ask(services.daemon, policyDelete, vscode.l10n.t('Delete Policy'), (confirmed) => ({ policy: policy.id, confirmed }));
}
