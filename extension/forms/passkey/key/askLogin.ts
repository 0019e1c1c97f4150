import type { PasskeyKind } from '../../../../protocol/methods/passkeys.ts';
import { runSteps } from '../../steps.ts';
import { awsLoginSteps } from './awsKeySteps.ts';
import { emptyKey, type KeyDraft } from './keyDraft.ts';
import { vaultLoginSteps } from './vaultKeySteps.ts';

/** How the key service of a passkey is logged in to: this `once`, or from now on (`sealed`: what is typed stays in the catalog). `undefined` where the user left. */
export async function askLogin(title: string, kind: PasskeyKind, typed: 'once' | 'sealed'): Promise<KeyDraft | undefined> {
  const draft: KeyDraft = { ...emptyKey, kind };
  if (kind === 'awsKms') {
    const aws = await runSteps(title, awsLoginSteps(typed), draft.aws);
    return aws === undefined ? undefined : { ...draft, aws };
  }
  const vault = await runSteps(title, vaultLoginSteps(typed), draft.vault);
  return vault === undefined ? undefined : { ...draft, vault };
}
