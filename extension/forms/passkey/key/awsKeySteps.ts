import * as vscode from 'vscode';
import type { AwsCredentials } from '../../../../protocol/keyServices.ts';
import { keyProblem } from '../../location/bucketDraft.ts';
import { askPick } from '../../quickInputs.ts';
import type { Step, StepOutcome, StepPlace } from '../../steps.ts';
import { type AwsKeyDraft, withKeyId } from './awsKeyDraft.ts';
import { secretStep, textStep } from './fieldStep.ts';
import { awsFieldProblem } from './keyDraft.ts';

const longestKeyId = 256;
const longestSecret = 1024;
const longestToken = 8192;

/** The questions that say which key of AWS KMS it is, and who may use it. */
export function awsKeySteps(): readonly Step<AwsKeyDraft>[] {
  return [...keySteps(), ...awsLoginSteps('sealed')];
}

function keySteps(): readonly Step<AwsKeyDraft>[] {
  return [
    textStep('keyId', {
      prompt: vscode.l10n.t(
        'Key of AWS KMS for this installation alone: its ARN, its id, or an alias. It has to be symmetric, for encryption.',
      ),
      placeholder: 'arn:aws:kms:eu-west-1:123456789012:key/…',
      problem: awsFieldProblem,
      next: withKeyId,
    }),
    textStep('region', {
      prompt: vscode.l10n.t('Region that the key is in'),
      placeholder: 'eu-west-1',
      problem: awsFieldProblem,
    }),
    textStep('endpoint', {
      prompt: vscode.l10n.t('Address of KMS, for one in your own network; leave it empty for that of AWS'),
      placeholder: 'https://vpce-….kms.eu-west-1.vpce.amazonaws.com',
      mayBeEmpty: true,
      problem: awsFieldProblem,
    }),
  ];
}

/** Who may use the key. `once`: what is typed is for this one time; `sealed`: it stays in the catalog. */
export function awsLoginSteps(typed: 'sealed' | 'once'): readonly Step<AwsKeyDraft>[] {
  return [
    { ask: (draft, place) => askSource(draft, place, typed) },
    textStep('profile', {
      isNeeded: ({ source }) => source === 'profile',
      prompt: vscode.l10n.t('Profile in the AWS configuration of the user that the daemon runs as'),
      placeholder: 'backups',
      problem: awsFieldProblem,
    }),
    textStep('roleArn', {
      isNeeded: ({ source }) => source === 'role',
      prompt: vscode.l10n.t('Role that is taken on with the credentials of the daemon'),
      placeholder: 'arn:aws:iam::123456789012:role/holdfast',
      problem: awsFieldProblem,
    }),
    textStep('accessKeyId', {
      isNeeded: isTyped,
      prompt: vscode.l10n.t('Access key ID'),
      problem: (_, text) => keyProblem(text, longestKeyId),
    }),
    secretStep('secretAccessKey', {
      isNeeded: isTyped,
      prompt:
        typed === 'once'
          ? vscode.l10n.t('Secret access key; it is kept nowhere')
          : vscode.l10n.t('Secret access key; it is sealed in the catalog of the daemon, and kept nowhere else'),
      longest: longestSecret,
    }),
    secretStep('sessionToken', {
      isNeeded: isTyped,
      prompt: vscode.l10n.t('Session token of temporary keys; leave it empty for keys that last'),
      longest: longestToken,
      mayBeEmpty: true,
    }),
  ];
}

function isTyped({ source }: AwsKeyDraft): boolean {
  return source === 'given';
}

async function askSource(draft: AwsKeyDraft, place: StepPlace, typed: 'sealed' | 'once'): Promise<StepOutcome<AwsKeyDraft>> {
  return await askPick<AwsKeyDraft, AwsCredentials['source']>(place, {
    placeholder: vscode.l10n.t('Which credentials does the daemon use for the key?'),
    choices: [
      {
        label: vscode.l10n.t('What AWS tools use'),
        detail: vscode.l10n.t('Environment, configuration, single sign-on or machine role of the daemon. It unlocks itself with them.'),
        icon: 'account',
        value: 'chain',
      },
      {
        label: vscode.l10n.t('A profile'),
        detail: vscode.l10n.t('Of the AWS configuration of the user that the daemon runs as. It unlocks itself with it.'),
        icon: 'list-selection',
        value: 'profile',
      },
      {
        label: vscode.l10n.t('A role'),
        detail: vscode.l10n.t('Taken on with what AWS tools use. The daemon unlocks itself with it.'),
        icon: 'person',
        value: 'role',
      },
      {
        label: vscode.l10n.t('Type keys'),
        detail:
          typed === 'once'
            ? vscode.l10n.t('For this one time.')
            : vscode.l10n.t('Sealed in the catalog: a locked daemon can not read them, so it does not unlock itself with them.'),
        icon: 'key',
        value: 'given',
      },
    ],
    current: draft.source,
    next: (source) => ({ ...draft, source }),
  });
}
