import type { KeySecrets, VaultLogin, VaultTransitAccess, VaultTransitTarget } from '../../../../protocol/keyServices.ts';

/** A transit key of Vault or OpenBao as a form has it: all that was typed, whether it is needed by now or not. */
export interface VaultKeyDraft {
  readonly address: string;
  /** Empty: the root. */
  readonly namespace: string;
  readonly mount: string;
  readonly key: string;
  readonly method: VaultLogin['method'];
  readonly tokenFile: string;
  readonly roleId: string;
  readonly secretIdFile: string;
  readonly jwtFile: string;
  readonly jwtRole: string;
  /** Of the authentication method. */
  readonly jwtMount: string;
  readonly token: string;
  /** Empty: what the system trusts. */
  readonly caFile: string;
}

export const emptyVaultKey: VaultKeyDraft = {
  address: '',
  namespace: '',
  mount: 'transit',
  key: 'holdfast',
  method: 'tokenFile',
  tokenFile: '',
  roleId: '',
  secretIdFile: '',
  jwtFile: '',
  jwtRole: '',
  jwtMount: 'kubernetes',
  token: '',
  caFile: '',
};

/** Whether there is a certificate to vouch for: plain http is for this machine alone. */
export function hasCertificate({ address }: Pick<VaultKeyDraft, 'address'>): boolean {
  return !/^http:/i.test(address);
}

export function vaultTargetOf({ address, namespace, mount, key }: VaultKeyDraft): VaultTransitTarget {
  return { kind: 'vaultTransit', address, namespace: namespace === '' ? null : namespace, mount, key };
}

/** Without any secret. */
export function vaultAccessOf(draft: VaultKeyDraft): VaultTransitAccess {
  const { caFile } = draft;
  return { kind: 'vaultTransit', login: loginOf(draft), caFile: caFile === '' || !hasCertificate(draft) ? null : caFile };
}

function loginOf({ method, tokenFile, roleId, secretIdFile, jwtFile, jwtRole, jwtMount }: VaultKeyDraft): VaultLogin {
  switch (method) {
    case 'environment':
    case 'given':
      return { method };
    case 'tokenFile':
      return { method, tokenFile };
    case 'appRole':
      return { method, roleId, secretIdFile };
    case 'jwt':
      return { method, jwtFile, role: jwtRole, mount: jwtMount };
  }
}

/** What goes with it as a secret; `undefined` where the daemon logs in by itself. */
export function vaultSecretsOf({ method, token }: VaultKeyDraft): KeySecrets | undefined {
  return method === 'given' ? { kind: 'vaultTransit', token } : undefined;
}
