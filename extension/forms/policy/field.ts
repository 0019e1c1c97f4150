import type { Services } from '../../services.ts';
import type { DraftField, PolicyDraft } from '../policyDraft.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';

/** What the questions of a policy's form need beside the answers so far. */
export interface PolicyTools {
  readonly services: Services;
  /** Names of the other policies. */
  readonly taken: readonly string[];
}

/** One thing that a policy's form asks for. */
export interface Field {
  readonly id: DraftField;
  readonly label: string;
  /** A heading of the summary. */
  readonly group: string;
  /** What it is by now, short. */
  readonly shown: (draft: PolicyDraft) => string;
  readonly ask: (draft: PolicyDraft, place: StepPlace, tools: PolicyTools) => Promise<StepOutcome<PolicyDraft>>;
}
