import type { Services } from '../../../services.ts';
import { partOf } from '../../partOf.ts';
import type { Step } from '../../steps.ts';
import { askKeyCheck } from './askKeyCheck.ts';
import type { AwsKeyDraft } from './awsKeyDraft.ts';
import { awsKeySteps } from './awsKeySteps.ts';
import type { KeyDraft } from './keyDraft.ts';
import type { VaultKeyDraft } from './vaultKeyDraft.ts';
import { vaultKeySteps } from './vaultKeySteps.ts';

/** The questions about a key at KMS or Vault, and what was found of it; none for a passphrase. */
export function keySteps<Draft extends KeyDraft>(services: Services): readonly Step<Draft>[] {
  const aws = (step: Step<AwsKeyDraft>): Step<Draft> =>
    partOf<Draft, AwsKeyDraft>(step, {
      isPart: ({ kind }) => kind === 'awsKms',
      part: (draft) => draft.aws,
      whole: (draft, key) => ({ ...draft, aws: key }),
    });
  const vault = (step: Step<VaultKeyDraft>): Step<Draft> =>
    partOf<Draft, VaultKeyDraft>(step, {
      isPart: ({ kind }) => kind === 'vaultTransit',
      part: (draft) => draft.vault,
      whole: (draft, key) => ({ ...draft, vault: key }),
    });
  return [
    ...awsKeySteps().map(aws),
    ...vaultKeySteps().map(vault),
    { isNeeded: isOutside, ask: (draft, place) => askKeyCheck(services, draft, place) },
  ];
}

export function isOutside({ kind }: Pick<KeyDraft, 'kind'>): boolean {
  return kind !== 'passphrase';
}
