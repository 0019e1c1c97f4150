import * as vscode from 'vscode';
import type { Policy } from '../../protocol/methods/policies.ts';
import { allPolicies, creatingSteps } from '../forms/policy/creating.ts';
import { startBackup } from '../forms/policy/startBackup.ts';
import { emptyDraft } from '../forms/policyDraft.ts';
import { proposedName } from '../forms/proposedName.ts';
import { runSteps } from '../forms/steps.ts';
import { isReady } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';

/** A policy from the first question on, also of several folders and of commands. */
export async function newPolicy(services: Services): Promise<void> {
  if (!(await isReady(services))) return;
  const taken = (await allPolicies(services)).map(({ name }) => name);
  let made: { readonly policy: Policy; readonly isRunNow: boolean } | undefined;
  const steps = creatingSteps(
    { services, taken },
    ['sources', 'location', 'name', 'schedule', 'gitignore', 'exclude', 'keep'],
    (policy, isRunNow) => {
      made = { policy, isRunNow };
    },
  );
  const [sources, ...others] = steps;
  if (sources === undefined) return;
  const named = {
    ask: async (...asked: Parameters<typeof sources.ask>) => {
      const outcome = await sources.ask(...asked);
      if (outcome.kind !== 'next' || outcome.values.name !== '') return outcome;
      const [first] = outcome.values.sources;
      const folder = first?.kind === 'folder' ? first.path : (first?.name ?? '');
      return { kind: 'next' as const, values: { ...outcome.values, name: proposedName(folder, taken, vscode.l10n.t('files')) } };
    },
  };
  await runSteps(vscode.l10n.t('New Policy'), [named, ...others], emptyDraft);
  if (made?.isRunNow === true) await startBackup(services, made.policy.policyId);
}
