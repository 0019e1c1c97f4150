import type { KeyTarget } from '../../../protocol/keyServices.ts';
import type { KeyFacts } from '../../keys/agent/keyFacts.ts';

/** What the new slot of a rotation is to be wrapped with. */
export interface Successor {
  readonly target: KeyTarget;
  readonly facts: KeyFacts;
  /** What was done at the service, as sentences. */
  readonly steps: readonly string[];
}
