import * as vscode from 'vscode';
import type { AwsCredentials } from '../../../../protocol/keyServices.ts';
import { keyProblem } from '../../location/bucketDraft.ts';
import { askPick } from '../../quickInputs.ts';
import type { Step, StepOutcome, StepPlace } from '../../steps.ts';
import { type AwsKeyDraft, withKeyId } from './awsKeyDraft.ts';
import { askCredential, askField } from './fieldStep.ts';
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
    {
      ask: (draft, place) =>
        askField(place, {
          prompt: vscode.l10n.t(
            'Key of AWS KMS for this installation alone: its ARN, its id, or an alias. It has to be symmetric, for encryption.',
          ),
          placeholder: 'arn:aws:kms:eu-west-1:123456789012:key/…',
          value: draft.keyId,
          problem: (text) => awsFieldProblem('keyId', text),
          next: (keyId) => withKeyId(draft, keyId),
        }),
    },
    {
      ask: (draft, place) =>
        askField(place, {
          prompt: vscode.l10n.t('Region that the key is in'),
          placeholder: 'eu-west-1',
          value: draft.region,
          problem: (text) => awsFieldProblem('region', text),
          next: (region) => ({ ...draft, region }),
        }),
    },
    {
      ask: (draft, place) =>
        askField(place, {
          prompt: vscode.l10n.t('Address of KMS, for one in your own network; leave it empty for that of AWS'),
          placeholder: 'https://vpce-….kms.eu-west-1.vpce.amazonaws.com',
          value: draft.endpoint,
          mayBeEmpty: true,
          problem: (text) => awsFieldProblem('endpoint', text),
          next: (endpoint) => ({ ...draft, endpoint }),
        }),
    },
  ];
}

/** Who may use the key. `once`: what is typed is for this one time; `sealed`: it stays in the catalog. */
export function awsLoginSteps(typed: 'sealed' | 'once'): readonly Step<AwsKeyDraft>[] {
  return [
    { ask: (draft, place) => askSource(draft, place, typed) },
    {
      isNeeded: ({ source }) => source === 'profile',
      ask: (draft, place) =>
        askField(place, {
          prompt: vscode.l10n.t('Profile in the AWS configuration of the user that the daemon runs as'),
          placeholder: 'backups',
          value: draft.profile,
          problem: (text) => awsFieldProblem('profile', text),
          next: (profile) => ({ ...draft, profile }),
        }),
    },
    {
      isNeeded: ({ source }) => source === 'role',
      ask: (draft, place) =>
        askField(place, {
          prompt: vscode.l10n.t('Role that is taken on with the credentials of the daemon'),
          placeholder: 'arn:aws:iam::123456789012:role/holdfast',
          value: draft.roleArn,
          problem: (text) => awsFieldProblem('roleArn', text),
          next: (roleArn) => ({ ...draft, roleArn }),
        }),
    },
    {
      isNeeded: isTyped,
      ask: (draft, place) =>
        askField(place, {
          prompt: vscode.l10n.t('Access key ID'),
          value: draft.accessKeyId,
          problem: (text) => keyProblem(text, longestKeyId),
          next: (accessKeyId) => ({ ...draft, accessKeyId }),
        }),
    },
    {
      isNeeded: isTyped,
      ask: (draft, place) =>
        askCredential(place, {
          prompt:
            typed === 'once'
              ? vscode.l10n.t('Secret access key; it is kept nowhere')
              : vscode.l10n.t('Secret access key; it is sealed in the catalog of the daemon, and kept nowhere else'),
          value: draft.secretAccessKey,
          longest: longestSecret,
          next: (secretAccessKey) => ({ ...draft, secretAccessKey }),
        }),
    },
    {
      isNeeded: isTyped,
      ask: (draft, place) =>
        askCredential(place, {
          prompt: vscode.l10n.t('Session token of temporary keys; leave it empty for keys that last'),
          value: draft.sessionToken,
          longest: longestToken,
          mayBeEmpty: true,
          next: (sessionToken) => ({ ...draft, sessionToken }),
        }),
    },
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
