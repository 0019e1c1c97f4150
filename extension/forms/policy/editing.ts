import * as vscode from 'vscode';
import { type Policy, policyEdit, policyShow } from '../../../protocol/methods/policies.ts';
import type { Services } from '../../services.ts';
import { changedFields, changesOf, contested, draftOf, type PolicyDraft, rebased } from '../policyDraft.ts';
import { whileUnlocked } from '../unlocked.ts';
import { allPolicies } from './creating.ts';
import { policyFields } from './fields.ts';
import { askSummary, type Problem, problemOf } from './summary.ts';
import { refuseUntrustedCommands } from './trust.ts';

/** Shows all of a policy, lets the user change what he will, and saves that in one request. */
export async function askToEdit(services: Services, policyId: string): Promise<void> {
  const policies = await allPolicies(services);
  const policy = policies.find((one) => one.policyId === policyId) ?? (await readPolicy(services, policyId));
  const editing = new Editing(services, policy);
  await askSummary(
    draftOf(policy),
    { title: vscode.l10n.t('Edit Policy {0}', policy.name), step: undefined, of: undefined, canGoBack: false },
    { services, taken: policies.filter((other) => other !== policy).map(({ name }) => name) },
    {
      placeholder: vscode.l10n.t('Choose what to change; nothing is saved before you say so'),
      changed: (draft) => editing.changed(draft),
      acts: (draft) => {
        const count = editing.changed(draft).length;
        if (count === 0) return [];
        const label = count === 1 ? vscode.l10n.t('Save 1 Change') : vscode.l10n.t('Save {0} Changes', count);
        return [{ label, icon: 'save', run: (whole) => editing.save(whole) }];
      },
    },
  );
}

async function readPolicy(services: Services, policyId: string): Promise<Policy> {
  return await whileUnlocked(services, () => services.daemon.call(policyShow, { policy: policyId }));
}

/** What the policy was when its form was opened, and what it is by now: another window may change it meanwhile. */
class Editing {
  readonly #services: Services;
  readonly #policyId: string;
  #before: PolicyDraft;

  constructor(services: Services, policy: Policy) {
    this.#services = services;
    this.#policyId = policy.policyId;
    this.#before = draftOf(policy);
  }

  changed(draft: PolicyDraft): ReturnType<typeof changedFields> {
    return changedFields(this.#before, draft);
  }

  /** Sends what the user changed. What somebody else changed too is told first, with the form on top of it. */
  async save(draft: PolicyDraft): Promise<Problem | undefined> {
    const { daemon } = this.#services;
    const now = draftOf(await readPolicy(this.#services, this.#policyId));
    const both = contested(draft, this.#before, now);
    const merged = rebased(draft, this.#before, now);
    this.#before = now;
    if (both.length > 0) {
      const theirs = policyFields()
        .filter(({ id }) => both.includes(id))
        .map(({ label, shown }) => vscode.l10n.t('{0} is "{1}" there', label, shown(now)));
      return {
        message: vscode.l10n.t('The policy was changed meanwhile, from another window or the command line.'),
        fix: vscode.l10n.t('{0}. Saving again puts yours in its place.', theirs.join(', ')),
        draft: merged,
      };
    }
    const changes = changesOf(now, merged);
    try {
      refuseUntrustedCommands(changes);
      // Twice the same change is one change: it may be repeated.
      await whileUnlocked(this.#services, () => daemon.call(policyEdit, { policy: this.#policyId, ...changes }));
      return undefined;
    } catch (error) {
      return problemOf(error, merged);
    }
  }
}
