import * as vscode from 'vscode';
import type { VaultLogin } from '../../../../protocol/keyServices.ts';
import { askPick } from '../../quickInputs.ts';
import type { Step, StepOutcome, StepPlace } from '../../steps.ts';
import { fileStep, secretStep, textStep } from './fieldStep.ts';
import { vaultFieldProblem } from './keyDraft.ts';
import { hasCertificate, type VaultKeyDraft } from './vaultKeyDraft.ts';

const longestToken = 8192;

/** The questions that say which transit key it is, and how the daemon logs in. */
export function vaultKeySteps(): readonly Step<VaultKeyDraft>[] {
  return [
    ...keySteps(),
    ...vaultLoginSteps('sealed'),
    fileStep<'caFile', VaultKeyDraft>('caFile', {
      isNeeded: hasCertificate,
      prompt: vscode.l10n.t('File with the authority of its certificate (PEM); leave it empty for those that the system trusts'),
      placeholder: '/etc/vault/ca.pem',
      mayBeEmpty: true,
    }),
  ];
}

function keySteps(): readonly Step<VaultKeyDraft>[] {
  return [
    textStep('address', {
      prompt: vscode.l10n.t('Address of Vault or OpenBao; plain http on this machine alone'),
      placeholder: 'https://vault.example.com:8200',
      problem: vaultFieldProblem,
    }),
    textStep('namespace', {
      prompt: vscode.l10n.t('Namespace; leave it empty for the root'),
      placeholder: 'team/backups',
      mayBeEmpty: true,
      problem: vaultFieldProblem,
    }),
    textStep('mount', {
      prompt: vscode.l10n.t('Where the transit engine is mounted'),
      placeholder: 'transit',
      problem: vaultFieldProblem,
    }),
    textStep('key', {
      prompt: vscode.l10n.t('Name of the transit key: one for this installation alone'),
      placeholder: 'holdfast',
      problem: vaultFieldProblem,
    }),
  ];
}

/** How the daemon logs in. `once`: what is typed is for this one time; `sealed`: it stays in the catalog. */
export function vaultLoginSteps(typed: 'sealed' | 'once'): readonly Step<VaultKeyDraft>[] {
  const [isAppRole, isJwt] = [isMethod('appRole'), isMethod('jwt')];
  return [
    { ask: (draft, place) => askMethod(draft, place, typed) },
    fileStep('tokenFile', {
      isNeeded: isMethod('tokenFile'),
      prompt: vscode.l10n.t('File with the token; it is read whenever it is needed, so that an agent can renew it'),
      placeholder: '/run/vault/token',
    }),
    textStep('roleId', {
      isNeeded: isAppRole,
      prompt: vscode.l10n.t('Role id of the AppRole'),
      problem: vaultFieldProblem,
    }),
    fileStep('secretIdFile', {
      isNeeded: isAppRole,
      prompt: vscode.l10n.t('File with the secret id of the AppRole'),
      placeholder: '/etc/holdfast/secret-id',
    }),
    fileStep('jwtFile', {
      isNeeded: isJwt,
      prompt: vscode.l10n.t('File with the JWT'),
      placeholder: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    }),
    textStep('jwtRole', {
      isNeeded: isJwt,
      prompt: vscode.l10n.t('Role that the JWT logs in to'),
      problem: vaultFieldProblem,
    }),
    textStep('jwtMount', {
      isNeeded: isJwt,
      prompt: vscode.l10n.t('Where that way to log in is mounted'),
      placeholder: 'kubernetes',
      problem: vaultFieldProblem,
    }),
    secretStep('token', {
      isNeeded: isMethod('given'),
      prompt:
        typed === 'once'
          ? vscode.l10n.t('Token; it is kept nowhere')
          : vscode.l10n.t('Token; it is sealed in the catalog of the daemon, and kept nowhere else'),
      longest: longestToken,
    }),
  ];
}

function isMethod(wanted: VaultLogin['method']): (draft: VaultKeyDraft) => boolean {
  return ({ method }) => method === wanted;
}

async function askMethod(draft: VaultKeyDraft, place: StepPlace, typed: 'sealed' | 'once'): Promise<StepOutcome<VaultKeyDraft>> {
  return await askPick<VaultKeyDraft, VaultLogin['method']>(place, {
    placeholder: vscode.l10n.t('How does the daemon log in?'),
    choices: [
      {
        label: vscode.l10n.t('A file with a token'),
        detail: vscode.l10n.t('That an agent of Vault writes, for example. The daemon unlocks itself with it.'),
        icon: 'file',
        value: 'tokenFile',
      },
      {
        label: vscode.l10n.t('AppRole'),
        detail: vscode.l10n.t('A role id, and a file with the secret id. The daemon unlocks itself with it.'),
        icon: 'person',
        value: 'appRole',
      },
      {
        label: vscode.l10n.t('A file with a JWT'),
        detail: vscode.l10n.t('Of Kubernetes, for example. The daemon unlocks itself with it.'),
        icon: 'file-code',
        value: 'jwt',
      },
      {
        label: vscode.l10n.t('What Vault tools use'),
        detail: vscode.l10n.t('VAULT_TOKEN or BAO_TOKEN where the daemon runs, or ~/.vault-token.'),
        icon: 'account',
        value: 'environment',
      },
      {
        label: vscode.l10n.t('Type a token'),
        detail:
          typed === 'once'
            ? vscode.l10n.t('For this one time.')
            : vscode.l10n.t('Sealed in the catalog: a locked daemon can not read it, so it does not unlock itself with it.'),
        icon: 'key',
        value: 'given',
      },
    ],
    current: draft.method,
    next: (method) => ({ ...draft, method }),
  });
}
