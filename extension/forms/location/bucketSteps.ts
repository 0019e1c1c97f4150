import * as vscode from 'vscode';
import type { S3Credentials } from '../../../protocol/methods/locations.ts';
import { askInput, askPick, type Choice } from '../quickInputs.ts';
import type { Step, StepOutcome, StepPlace } from '../steps.ts';
import { type BucketDraft, type BucketField, fieldProblem, keyProblem } from './bucketDraft.ts';

const longestKeyId = 256;
const longestSecret = 1024;
const longestToken = 8192;

/** The questions that say which bucket it is, and who may write there. */
export function bucketSteps(): readonly Step<BucketDraft>[] {
  return [...placeSteps(), ...credentialSteps()];
}

/** Which bucket it is, and where. */
export function placeSteps(): readonly Step<BucketDraft>[] {
  return [
    { ask: askProvider },
    {
      isNeeded: ({ isAws }) => !isAws,
      ask: (draft, place) =>
        askField(draft, place, 'endpoint', {
          prompt: vscode.l10n.t('Address of the store; plain http on this machine alone'),
          placeholder: 'https://s3.example.com',
        }),
    },
    {
      ask: (draft, place) =>
        askField(draft, place, 'bucket', {
          prompt: vscode.l10n.t('Name of the bucket; for immutable backups one with Object Lock'),
          placeholder: vscode.l10n.t('my-backups'),
        }),
    },
    {
      ask: (draft, place) =>
        askField(draft.isAws || draft.region !== '' ? draft : { ...draft, region: 'us-east-1' }, place, 'region', {
          prompt: draft.isAws
            ? vscode.l10n.t('Region that the bucket is in')
            : vscode.l10n.t('Region that the bucket is in; many stores call theirs us-east-1'),
          placeholder: 'eu-west-1',
        }),
    },
    {
      ask: (draft, place) =>
        askField(draft, place, 'prefix', {
          prompt: vscode.l10n.t('Folder in the bucket that holds everything; leave it empty to use the whole bucket'),
          placeholder: vscode.l10n.t('backups/laptop'),
          mayBeEmpty: true,
        }),
    },
  ];
}

/** Who may write there. */
export function credentialSteps(): readonly Step<BucketDraft>[] {
  return [
    { ask: askSource },
    {
      isNeeded: ({ source }) => source === 'profile',
      ask: (draft, place) =>
        askField(draft, place, 'profile', {
          prompt: vscode.l10n.t('Profile in the AWS configuration of the user that the daemon runs as'),
          placeholder: 'backups',
        }),
    },
    {
      isNeeded: ({ source }) => source === 'role',
      ask: (draft, place) =>
        askField(draft, place, 'roleArn', {
          prompt: vscode.l10n.t('Role that is taken on with the credentials of the daemon'),
          placeholder: 'arn:aws:iam::123456789012:role/holdfast',
        }),
    },
    {
      isNeeded: isTyped,
      ask: (draft, place) =>
        askInput(place, {
          prompt: vscode.l10n.t('Access key ID'),
          value: draft.accessKeyId,
          problem: (text) => (text === '' ? undefined : keyProblem(text.trim(), longestKeyId)),
          isComplete: (text) => text.trim() !== '',
          next: (text) => ({ ...draft, accessKeyId: text.trim() }),
        }),
    },
    {
      isNeeded: isTyped,
      ask: (draft, place) =>
        askInput(place, {
          prompt: vscode.l10n.t('Secret access key; it is sealed in the catalog of the daemon, and kept nowhere else'),
          value: draft.secretAccessKey,
          isSecret: true,
          problem: (text) => (text === '' ? undefined : keyProblem(text.trim(), longestSecret)),
          isComplete: (text) => text.trim() !== '',
          next: (text) => ({ ...draft, secretAccessKey: text.trim() }),
        }),
    },
    {
      isNeeded: isTyped,
      ask: (draft, place) =>
        askInput(place, {
          prompt: vscode.l10n.t('Session token of temporary keys; leave it empty for keys that last'),
          value: draft.sessionToken,
          isSecret: true,
          problem: (text) => (text.trim() === '' ? undefined : keyProblem(text.trim(), longestToken)),
          isComplete: () => true,
          next: (text) => ({ ...draft, sessionToken: text.trim() }),
        }),
    },
  ];
}

function isTyped({ source }: BucketDraft): boolean {
  return source === 'sealed';
}

async function askProvider(draft: BucketDraft, place: StepPlace): Promise<StepOutcome<BucketDraft>> {
  return await askPick<BucketDraft, boolean>(place, {
    placeholder: vscode.l10n.t('Whose store is it?'),
    choices: [
      { label: vscode.l10n.t('AWS S3'), icon: 'cloud', value: true },
      {
        label: vscode.l10n.t('Another S3 store'),
        detail: vscode.l10n.t('One that speaks S3 at an address of its own, such as MinIO or SeaweedFS.'),
        icon: 'server',
        value: false,
      },
    ],
    current: draft.isAws,
    next: (isAws) => ({ ...draft, isAws }),
  });
}

async function askSource(draft: BucketDraft, place: StepPlace): Promise<StepOutcome<BucketDraft>> {
  const choices: readonly Choice<S3Credentials['source']>[] = [
    {
      label: vscode.l10n.t('Type keys'),
      detail: vscode.l10n.t('Sealed in the catalog: a locked daemon can not use them, so it can not keep locks long enough.'),
      icon: 'key',
      value: 'sealed',
    },
    {
      label: vscode.l10n.t('What AWS tools use'),
      detail: vscode.l10n.t('Environment, configuration, single sign-on or machine role of the daemon; while it is locked too.'),
      icon: 'account',
      value: 'chain',
    },
    {
      label: vscode.l10n.t('A profile'),
      detail: vscode.l10n.t('Of the AWS configuration of the user that the daemon runs as; while it is locked too.'),
      icon: 'list-selection',
      value: 'profile',
    },
    {
      label: vscode.l10n.t('A role'),
      detail: vscode.l10n.t('Taken on with what AWS tools use; while the daemon is locked too.'),
      icon: 'person',
      value: 'role',
    },
  ];
  return await askPick<BucketDraft, S3Credentials['source']>(place, {
    placeholder: vscode.l10n.t('Which credentials does the daemon use there?'),
    choices,
    current: draft.source,
    next: (source) => ({ ...draft, source }),
  });
}

interface FieldQuestion {
  readonly prompt: string;
  readonly placeholder: string;
  readonly mayBeEmpty?: boolean;
}

async function askField(
  draft: BucketDraft,
  place: StepPlace,
  field: BucketField,
  { prompt, placeholder, mayBeEmpty = false }: FieldQuestion,
): Promise<StepOutcome<BucketDraft>> {
  return await askInput(place, {
    prompt,
    placeholder,
    value: draft[field],
    problem: (text) => (text.trim() === '' ? undefined : fieldProblem(field, text.trim())),
    isComplete: (text) => mayBeEmpty || text.trim() !== '',
    next: (text) => ({ ...draft, [field]: text.trim() }),
  });
}
