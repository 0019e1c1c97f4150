import type { Flag } from './verb.ts';

/** Flags that every verb takes, before or after its name. */
export const globalFlags: readonly Flag[] = [
  { flag: '--state', value: 'DIR', about: 'the state directory (also: HOLDFAST_STATE)' },
  { flag: '--json', about: 'print one JSON document on standard output' },
  { flag: '--quiet', about: 'print results and errors only' },
  { flag: '--progress', isNegatable: true, isOnByDefault: true, about: 'show no progress on standard error' },
  { flag: '--color', isNegatable: true, isOnByDefault: true, about: 'use no colours (also: NO_COLOR)' },
  { flag: '--yes', about: 'answer the question before what cannot be undone' },
  { flag: '--wait', isNegatable: true, isOnByDefault: true, about: 'do not wait for the end of the work that the verb starts' },
  { flag: '--step-up-file', value: 'F', about: 'file with a passphrase, for verbs that ask for one again (also: HOLDFAST_STEP_UP_FILE)' },
];
