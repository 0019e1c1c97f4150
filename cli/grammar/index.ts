import { actionFamily } from './actions.ts';
import { daemonFamily } from './daemon.ts';
import { locationFamily } from './locations.ts';
import { passkeyFamily } from './passkeys.ts';
import { policyFamily } from './policies.ts';
import { recoveryFamily } from './recovery.ts';
import { restorePointFamily } from './restorePoints.ts';
import type { Family, Verb } from './verb.ts';

/** All that can be typed, in the order of `holdfast --help`. */
export const families: readonly Family[] = [
  daemonFamily,
  passkeyFamily,
  locationFamily,
  policyFamily,
  restorePointFamily,
  recoveryFamily,
  actionFamily,
];

/** The verbs of this version. */
export const verbs: readonly Verb[] = families.flatMap((family) => family.verbs);
