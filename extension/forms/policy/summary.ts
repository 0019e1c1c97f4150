import * as vscode from 'vscode';
import { asHoldfastError } from '../../connection/asHoldfastError.ts';
import type { DraftField, PolicyDraft } from '../policyDraft.ts';
import { askPick, type Choice } from '../quickInputs.ts';
import { problemChoices } from '../sentences.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';
import type { PolicyTools } from './field.ts';
import { policyFields } from './fields.ts';
import { isOffered } from './trust.ts';

/** What a summary can end with. */
export interface Act {
  readonly label: string;
  readonly detail?: string;
  readonly icon: string;
  /**
   * Does it. A problem says why that did not end the form, and gives the draft as it stands by then. What it rejects with is one too.
   */
  readonly run: (draft: PolicyDraft) => Promise<Problem | undefined>;
}

export interface Problem {
  /** Empty: there is nothing to say, as where the user left a question. */
  readonly message: string;
  readonly fix?: string | undefined;
  readonly draft: PolicyDraft;
}

export interface Summary {
  readonly placeholder: string;
  readonly acts: (draft: PolicyDraft) => readonly Act[];
  /** Fields that the user changed, which are marked. */
  readonly changed: (draft: PolicyDraft) => readonly DraftField[];
}

type Chosen = { readonly act: Act } | { readonly field: DraftField } | 'problem';

/** All answers at a glance: each can be chosen to change it, and an act ends the form. What goes wrong at the end is told here, with every answer kept. */
export async function askSummary(
  initial: PolicyDraft,
  place: StepPlace,
  tools: PolicyTools,
  summary: Summary,
): Promise<StepOutcome<PolicyDraft>> {
  const fields = policyFields().filter(({ id }) => isOffered(id));
  let draft = initial;
  let problem: Problem | undefined;
  let current: Chosen | undefined;
  for (;;) {
    const { acts, changed, placeholder } = summary;
    const marked = new Set(changed(draft));
    const choices: Choice<Chosen>[] = [
      ...(problem === undefined ? [] : problemChoices<Chosen>(problem, 'error', 'problem')),
      ...acts(draft).map(
        (act): Choice<Chosen> => ({
          label: act.label,
          ...(act.detail === undefined ? {} : { detail: act.detail }),
          icon: act.icon,
          value: { act },
        }),
      ),
      ...fields.map(
        ({ id, label, group, shown }): Choice<Chosen> => ({
          label,
          description: marked.has(id) ? vscode.l10n.t('{0} (changed)', shown(draft)) : shown(draft),
          group,
          value: { field: id },
        }),
      ),
    ];
    const isStillThere = choices.find(({ value }) => isSame(value, current));
    const outcome = await askPick<Chosen, Chosen>(place, {
      placeholder,
      choices,
      ...(isStillThere === undefined ? {} : { current: isStillThere.value }),
      next: (chosen) => chosen,
    });
    if (outcome.kind === 'back') return { kind: 'back', values: draft };
    if (outcome.kind === 'cancelled') return outcome;
    const chosen = outcome.values;
    current = chosen;
    if (chosen === 'problem') continue;
    if ('act' in chosen) {
      problem = await run(chosen.act, draft);
      if (problem === undefined) return { kind: 'next', values: draft };
      draft = problem.draft;
      if (problem.message === '') problem = undefined;
      current = undefined;
      continue;
    }
    const field = fields.find(({ id }) => id === chosen.field);
    const asked = await field?.ask(
      draft,
      { title: `${place.title}: ${field.label}`, step: undefined, of: undefined, canGoBack: true },
      tools,
    );
    if (asked?.kind === 'cancelled') return asked;
    if (asked?.kind === 'next') draft = asked.values;
  }
}

async function run(act: Act, draft: PolicyDraft): Promise<Problem | undefined> {
  try {
    return await act.run(draft);
  } catch (error) {
    return problemOf(error, draft);
  }
}

/** What went wrong, as the summary tells it. */
export function problemOf(thrown: unknown, draft: PolicyDraft): Problem {
  const { code, message, fix } = asHoldfastError(thrown);
  return code === 'cancelled' ? { message: '', draft } : { message, fix, draft };
}

function isSame(one: Chosen, other: Chosen | undefined): boolean {
  if (one === 'problem' || other === 'problem' || other === undefined) return false;
  return 'field' in one && 'field' in other && one.field === other.field;
}
