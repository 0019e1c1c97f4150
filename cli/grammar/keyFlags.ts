import type { Flag } from './verb.ts';

const profile: Flag = { flag: '--profile', value: 'P', about: 'AWS: profile of the AWS configuration, read at each call' };
const tokenFile: Flag = { flag: '--token-file', value: 'F', about: 'Vault: file with a token, - for standard input' };
const roleId: Flag = { flag: '--role-id', value: 'ID', about: 'Vault: role id of an AppRole, with --secret-id-file' };
const secretIdFile: Flag = { flag: '--secret-id-file', value: 'F', about: 'Vault: file with the secret id of the AppRole' };
const caFile: Flag = { flag: '--ca-file', value: 'F', about: 'Vault: certificates to trust, PEM (else VAULT_CACERT of this shell)' };

/** Where a KMS key is, and how AWS is logged in to. */
export const awsKeyFlags: readonly Flag[] = [
  { flag: '--key-id', value: 'K', about: 'AWS: the key: an id, an ARN or an alias, which is resolved once' },
  { flag: '--region', value: 'R', about: 'AWS: region of the key (else that of its ARN)' },
  { flag: '--endpoint', value: 'URL', about: "AWS: in place of AWS's own address: https, or http to this machine" },
  profile,
  { flag: '--role-arn', value: 'ARN', about: "AWS: role to take on with the daemon's own credentials" },
  { flag: '--credentials-file', value: 'F', about: 'AWS: file with access keys, - for standard input; they are sealed in the catalog' },
  {
    flag: '--credentials',
    value: 'FROM',
    choices: ['shell', 'chain'],
    about: 'AWS: shell: AWS_ACCESS_KEY_ID and so on of this shell, sealed; chain: what the daemon finds itself',
  },
];

/** Where a Vault key is, and how Vault is logged in to. */
export const vaultKeyFlags: readonly Flag[] = [
  { flag: '--address', value: 'URL', about: 'Vault: https, or http to this machine (else VAULT_ADDR of this shell)' },
  { flag: '--key', value: 'K', about: 'Vault: name of the transit key' },
  { flag: '--mount', value: 'M', about: 'Vault: where the transit engine is (default: transit)' },
  { flag: '--namespace', value: 'NS', about: 'Vault: namespace (else VAULT_NAMESPACE of this shell)' },
  tokenFile,
  roleId,
  secretIdFile,
  { flag: '--jwt-file', value: 'F', about: 'Vault: file with a JWT, of Kubernetes for example, with --role' },
  { flag: '--role', value: 'R', about: 'Vault: role of the JWT' },
  { flag: '--jwt-mount', value: 'M', about: 'Vault: where the authentication by JWT is (default: kubernetes)' },
  caFile,
];

/** A key outside by its very name, which whoever rebuilds a catalog has to say himself. */
export const confirmedKeyFlags: readonly Flag[] = [
  { flag: '--key-arn', value: 'ARN', about: 'AWS: open with this key: its ARN' },
  ...awsKeyFlags.filter(({ flag }) => flag !== '--key-id'),
  ...vaultKeyFlags.map((flag) => (flag.flag === '--key' ? { ...flag, about: 'Vault: open with this transit key' } : flag)),
];

/** How KMS or Vault is reached this time. */
export const unlockKeyFlags: readonly Flag[] = [
  tokenFile,
  roleId,
  secretIdFile,
  profile,
  { flag: '--address', value: 'URL', about: 'Vault: only at this address, which has to be the one of the passkey' },
  caFile,
];

/** How the key service of a passkey is logged in to from now on. */
export const newLoginFlags: readonly Flag[] = [
  ...awsKeyFlags.filter(({ flag }) => !['--key-id', '--region', '--endpoint'].includes(flag)),
  ...vaultKeyFlags.filter(({ flag }) => !['--address', '--key', '--mount', '--namespace', '--ca-file'].includes(flag)),
  { flag: '--address', value: 'URL', about: 'Vault: the address of the passkey, which no other can take the place of' },
  caFile,
];

/** For a verb of one kind alone: without the kind's name in front, and with what must be given. */
export function ofOneKind(flags: readonly Flag[], needed: readonly string[]): readonly Flag[] {
  return flags.map(({ about, ...flag }) => {
    const said = about.replace(/^(?:AWS|Vault): /, '');
    return { ...flag, about: said, ...(needed.includes(flag.flag) ? { isRequired: true } : {}) };
  });
}
