import { HoldfastError } from '../protocol/errors.ts';
import { normalEndpoint } from '../protocol/endpointAddress.ts';
import { type VaultLogin, vaultAddressProblem } from '../protocol/keyServices.ts';
import { vaultEnvironment } from '../protocol/vaultEnvironment.ts';
import { quoted } from '../client/shown/text.ts';
import type { Call } from './call.ts';
import { checkedAccess, checkedTarget, keepSecrets, type ServiceKey, type ServiceLogin } from './serviceKey.ts';
import type { Session } from './session.ts';
import { withoutSlashes } from './withoutSlashes.ts';

/** What says how a key of Vault is logged in to. */
export const vaultLoginFlags = ['--token-file', '--role-id', '--secret-id-file', '--jwt-file', '--role', '--jwt-mount'] as const;

interface FoundLogin {
  readonly login: VaultLogin;
  readonly secrets: Buffer | undefined;
}

/** A key of Vault as the flags and the calling shell describe it, with how it is logged in to. Errors: `usage`, `badValue`. */
export async function typedVaultKey(call: Call, session: Session): Promise<ServiceKey> {
  const shellAddress = shellValue(session, 'ADDR');
  const address = call.text('--address') ?? shellAddress;
  if (address === undefined) throw call.problem('--address URL is missing', 'Give it, or set VAULT_ADDR.');
  const target = checkedTarget(
    {
      kind: 'vaultTransit',
      address,
      namespace: withoutSlashes(call.text('--namespace') ?? shellValue(session, 'NAMESPACE')) ?? null,
      mount: withoutSlashes(call.text('--mount')) ?? 'transit',
      key: call.requiredText('--key'),
    },
    call,
  );
  const place = target.kind === 'vaultTransit' ? target.address : address;
  const found = (await typedLogin(call, session)) ?? usualLogin(place, session);
  const access = checkedAccess({ kind: 'vaultTransit', login: found.login, caFile: caFileOf(call, session) }, call);
  return { target, access, secrets: found.secrets, isTemporary: false };
}

/** By the flags, for passkeys that are there; `undefined` where none was given. Errors: `usage`, `badValue`. */
export async function typedVaultLogin(call: Call, session: Session): Promise<ServiceLogin | undefined> {
  const found = await typedLogin(call, session);
  // A CA file alone: `given` with nothing given is the login that is known of the passkey.
  const login = found?.login ?? (call.isGiven('--ca-file') ? { method: 'given' } : undefined);
  if (login === undefined) return undefined;
  return {
    access: checkedAccess({ kind: 'vaultTransit', login, caFile: caFileOf(call, session) }, call),
    secrets: found?.secrets,
  };
}

/** By the token of the calling shell, where it has one, with the address that the token is for where the shell says that. Errors: `badValue`. */
export function shellVaultLogin(
  call: Call,
  session: Session,
): { readonly login: ServiceLogin; readonly address: string | undefined } | undefined {
  const { token, address } = vaultEnvironment(session.host.environment);
  if (token === undefined) return undefined;
  const access = checkedAccess({ kind: 'vaultTransit', login: { method: 'given' }, caFile: caFileOf(call, session) }, call);
  return { login: { access, secrets: keepSecrets({ kind: 'vaultTransit', token }, session) }, address };
}

/** An address as it was typed, in the form that a passkey has. Errors: `badValue`. */
export function typedAddress(typed: string, call: Call): string {
  const problem = vaultAddressProblem(typed);
  if (problem === undefined) return normalEndpoint(typed);
  throw HoldfastError.failedTo('badValue', 'read --address', problem, { fix: call.helpHint });
}

async function typedLogin(call: Call, session: Session): Promise<FoundLogin | undefined> {
  const given = vaultLoginFlags.filter((flag) => call.isGiven(flag));
  if (given.length === 0) return undefined;
  const methods = [['--token-file'], ['--role-id', '--secret-id-file'], ['--jwt-file', '--role', '--jwt-mount']].filter((flags) =>
    flags.some((flag) => call.isGiven(flag)),
  );
  if (methods.length > 1) throw call.problem(`${given.join(' and ')} exclude each other`, 'Log in by one of them alone.');
  const tokenFile = call.text('--token-file');
  if (tokenFile === '-') return await tokenOfInput(session);
  if (tokenFile !== undefined) return { login: { method: 'tokenFile', tokenFile: session.resolvePath(tokenFile) }, secrets: undefined };
  if (call.isGiven('--role-id') || call.isGiven('--secret-id-file')) {
    const roleId = call.requiredText('--role-id');
    return { login: { method: 'appRole', roleId, secretIdFile: lasting('--secret-id-file', call, session) }, secrets: undefined };
  }
  const mount = withoutSlashes(call.text('--jwt-mount')) ?? 'kubernetes';
  const jwtFile = lasting('--jwt-file', call, session);
  return { login: { method: 'jwt', jwtFile, role: call.requiredText('--role'), mount }, secrets: undefined };
}

/** A file that the daemon reads at each login. */
function lasting(flag: '--secret-id-file' | '--jwt-file', call: Call, session: Session): string {
  const typed = call.requiredText(flag);
  if (typed === '-') throw call.problem(`${flag} can not be standard input: it is read at each login`, 'Name a file.');
  return session.resolvePath(typed);
}

async function tokenOfInput(session: Session): Promise<FoundLogin> {
  const token = await session.secrets.find({ what: 'the token', file: '-', flag: '--token-file', question: 'Token' });
  const secrets = keepSecrets({ kind: 'vaultTransit', token: token?.toString('utf8') ?? '' }, session);
  return { login: { method: 'given' }, secrets };
}

/**
 * The shell's token, else what the daemon's own surroundings have. Errors: `badValue` for a token that is for another address: another login in its place
 * would be a surprise, and the daemon's may be for that address too.
 */
function usualLogin(address: string, session: Session): FoundLogin {
  const { token, address: tokenFor } = vaultEnvironment(session.host.environment);
  if (token === undefined) return { login: { method: 'environment' }, secrets: undefined };
  if (tokenFor === undefined || tokenFor === address) {
    return { login: { method: 'given' }, secrets: keepSecrets({ kind: 'vaultTransit', token }, session) };
  }
  const reason = `the token of this shell is for ${quoted(tokenFor)} (VAULT_ADDR or BAO_ADDR), and the key is at ${quoted(address)}`;
  throw HoldfastError.failedTo('badValue', 'log in to Vault', reason, {
    fix: 'Give a login for that address, with --token-file F for example.',
  });
}

function caFileOf(call: Call, session: Session): string | null {
  const file = call.text('--ca-file') ?? shellValue(session, 'CACERT');
  if (file === '-') throw call.problem('--ca-file can not be standard input', 'Name a file.');
  return file === undefined ? null : session.resolvePath(file);
}

/** OpenBao's own variables come before those of Vault, as in its command line. */
function shellValue({ host }: Session, name: 'ADDR' | 'NAMESPACE' | 'CACERT'): string | undefined {
  return [host.environment[`BAO_${name}`], host.environment[`VAULT_${name}`]].find((value) => value !== undefined && value !== '');
}

/** Says that an address is no passkey's. */
export function otherAddress(typed: string, recorded: readonly string[], action: 'unlock' | 'log in' = 'unlock'): HoldfastError {
  const known = [...new Set(recorded)].map(quoted).join(', ');
  return HoldfastError.failedTo(
    'badValue',
    action,
    `no passkey is at ${quoted(typed)}, and credentials go to no other address than a passkey's`,
    {
      fix: known === '' ? 'Leave --address out.' : `Leave --address out: there is ${known}.`,
    },
  );
}
