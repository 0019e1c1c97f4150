import { l10n } from 'vscode';
import { readAwsKeyName } from '../../../../protocol/awsKeyName.ts';
import { awsKeyPolicy, vaultPolicy } from '../../../../protocol/keyPolicies.ts';
import { mountProblem, transitKeyProblem } from '../../../../protocol/keyServices.ts';
import { type KeyDraft } from './keyDraft.ts';

/** The smallest rights that a key needs to give, as text for whoever gives them. */
export interface PolicyToCopy {
  readonly label: string;
  readonly detail: string;
  readonly text: string;
}

/** Stands in a policy where the user fills in whom it is for. */
const somebody = 'arn:aws:iam::123456789012:role/HOLDFAST';

/** `reference`: what was seen of the key. Empty where the ARN of a KMS key is not known yet: a policy is for no other name of it. */
export function policiesToCopy(draft: KeyDraft, reference: Readonly<Record<string, unknown>> | null): readonly PolicyToCopy[] {
  switch (draft.kind) {
    case 'passphrase':
      return [];
    case 'awsKms':
      return awsPolicies(draft, reference);
    case 'vaultTransit': {
      const { mount, key } = draft.vault;
      if (mountProblem(mount) !== undefined || transitKeyProblem(key) !== undefined) return [];
      return [
        {
          label: l10n.t('Copy Policy'),
          detail: l10n.t('All that the login needs: encrypt, decrypt and read about {0}/{1}.', mount, key),
          text: vaultPolicy({ mount, key }),
        },
      ];
    }
  }
}

function awsPolicies({ aws }: KeyDraft, reference: Readonly<Record<string, unknown>> | null): readonly PolicyToCopy[] {
  const seen = reference?.['keyArn'];
  const keyArn = typeof seen === 'string' ? seen : aws.keyId;
  if (readAwsKeyName(keyArn)?.form !== 'keyArn') return [];
  const principal = aws.source === 'role' && aws.roleArn !== '' ? aws.roleArn : somebody;
  const { iamPolicy, keyPolicyStatements } = awsKeyPolicy({ keyArn, principal });
  return [
    {
      label: l10n.t('Copy Policy'),
      detail: l10n.t('For the user or role: Encrypt, Decrypt, DescribeKey, GetKeyRotationStatus, for what Holdfast wraps.'),
      text: JSON.stringify(iamPolicy, null, 2),
    },
    {
      label: l10n.t('Copy Statements for the Key Policy'),
      detail:
        principal === somebody
          ? l10n.t('Where the key is of another account. Put your user or role in: {0}.', somebody)
          : l10n.t('Where the key is of another account: {0}.', principal),
      text: JSON.stringify(keyPolicyStatements, null, 2),
    },
  ];
}
