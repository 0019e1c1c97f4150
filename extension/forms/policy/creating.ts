import { isDeepStrictEqual } from 'node:util';
import * as vscode from 'vscode';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type Policy, policyCreate, policyList, policyShow } from '../../../protocol/methods/policies.ts';
import { listAll } from '../../connection/listAll.ts';
import type { Services } from '../../services.ts';
import { creationOf, draftOf, type PolicyDraft } from '../policyDraft.ts';
import { scheduleWords } from '../scheduleWords.ts';
import type { Step } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import type { Field, PolicyTools } from './field.ts';
import { policyFields } from './fields.ts';
import { askSummary } from './summary.ts';
import { refuseUntrustedCommands } from './trust.ts';

/** Every policy there is; asks for the passphrase where the daemon was locked meanwhile. */
export async function allPolicies(services: Services): Promise<readonly Policy[]> {
  return await whileUnlocked(services, () => listAll(services.daemon, policyList, {}));
}

/** What a new policy is asked, one thing after the other; the rest stands in the summary behind it. */
type Asked = 'sources' | 'location' | 'name' | 'schedule' | 'gitignore' | 'exclude' | 'keep';

/** The steps of a form for a new policy, which end with the policy made. `onMade` is told of it, and what else the user chose. */
export function creatingSteps(
  tools: PolicyTools,
  asked: readonly Asked[],
  onMade: (policy: Policy, isRunNow: boolean) => void,
): readonly Step<PolicyDraft>[] {
  const fields = policyFields();
  const steps = asked
    .map((id) => fields.find((field) => field.id === id))
    .filter((field): field is Field => field !== undefined)
    .map(({ ask }): Step<PolicyDraft> => ({ ask: (draft, place) => ask(draft, place, tools) }));
  return [
    ...steps,
    {
      ask: (draft, place) =>
        askSummary(draft, place, tools, {
          placeholder: vscode.l10n.t('Look it over: each answer can be changed'),
          changed: () => [],
          acts: ({ schedule }) =>
            [true, false].map((isRunNow) => ({
              label: isRunNow ? vscode.l10n.t('Create and Back Up Now') : vscode.l10n.t('Create Only'),
              detail: isRunNow
                ? vscode.l10n.t('The first restore point is made at once; after that it runs {0}.', scheduleWords(schedule, vscode.l10n))
                : vscode.l10n.t('It runs {0}.', scheduleWords(schedule, vscode.l10n)),
              icon: isRunNow ? 'run' : 'save',
              run: async (whole) => {
                onMade(await create(tools.services, whole), isRunNow);
                return undefined;
              },
            })),
        }),
    },
  ];
}

async function create(services: Services, draft: PolicyDraft): Promise<Policy> {
  const { daemon } = services;
  refuseUntrustedCommands(draft);
  const params = creationOf(draft);
  if (params === undefined) throw new HoldfastError('badValue', vscode.l10n.t('A policy needs a name, a source and a location.'));
  let hasTried = false;
  return await whileUnlocked(services, async () => {
    const isRepeated = hasTried;
    hasTried = true;
    try {
      return await daemon.call(policyCreate, params);
    } catch (error) {
      // A daemon that ended after it had made the policy: the second answer is that the name is taken, by this very policy.
      if (!isRepeated || !HoldfastError.is(error, 'nameTaken')) throw error;
      const there = await daemon.call(policyShow, { policy: params.name });
      if (isDeepStrictEqual(creationOf(draftOf(there)), params)) return there;
      throw error;
    }
  });
}
