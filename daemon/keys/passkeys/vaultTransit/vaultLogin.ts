import path from 'node:path';
import { type VaultLogin, vaultAddressProblem } from '../../../../protocol/keyServices.ts';
import { vaultEnvironment } from '../../../../protocol/vaultEnvironment.ts';
import type { CallSecrets } from '../../agent/keyCall.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';
import { OwnFileError, type OwnFileFault, openOwnFile, readFirstLine } from '../../ownFile.ts';
import { errorsOf, loginTokenOf } from './vaultAnswers.ts';
import type { VaultSession, VaultToken } from './vaultSession.ts';

export interface LoginWorld {
  /** Of the Vault that the token is for, in its normal form. */
  readonly address: string;
  readonly secrets: CallSecrets;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The user's own folder. */
  readonly home: string;
}

/** What may stand in a header: printable ASCII. */
const tokenPattern = /^[\x21-\x7e]{1,8192}$/;

const anotherLogin =
  'Give a new token; a passkey that is there already takes it with "holdfast passkey verify NAME --token-file F", and keeps it.';

/** A token, by what the user named. The session is one without a token. Rejects with `KeyServiceFailure`. */
export async function logIn(login: VaultLogin, session: VaultSession, world: LoginWorld): Promise<VaultToken> {
  switch (login.method) {
    case 'tokenFile':
      return held(session, await fileSecret(login.tokenFile, 'token file'), `Write a new token into ${login.tokenFile}.`);
    case 'environment': {
      const { token, address } = vaultEnvironment(world.environment);
      if (address !== undefined && address !== world.address) throw forAnother(address, world.address);
      if (token !== undefined) return held(session, token, 'Set VAULT_TOKEN to a new token and start the daemon anew.');
      return held(session, await homeToken(world.home), 'Log in anew with "vault login".');
    }
    case 'given': {
      const { token } = world.secrets;
      if (token === undefined) throw noCredentials('no token is kept for this key', anotherLogin);
      return held(session, Buffer.from(token).toString('latin1'), anotherLogin);
    }
    case 'appRole': {
      const secretId = await fileSecret(login.secretIdFile, 'secret id file');
      session.text.hide(secretId);
      return await loggedIn(session, 'approle', { role_id: login.roleId, secret_id: secretId });
    }
    case 'jwt': {
      // Kubernetes lays it down for everybody in the container, as another user's file.
      const jwt = await fileSecret(login.jwtFile, 'JWT file', { anyOwner: true });
      session.text.hide(jwt);
      return await loggedIn(session, login.mount, { role: login.role, jwt });
    }
  }
}

/** A token that is there already. */
function held(session: VaultSession, token: string, renewal: string): VaultToken {
  if (!tokenPattern.test(token)) throw noCredentials('what was given as a token is none', renewal);
  session.text.hide(token);
  return { token, isFresh: false, renewal };
}

/** POST auth/<mount>/login (Vault, AppRole and JWT auth methods). */
async function loggedIn(session: VaultSession, mount: string, body: Readonly<Record<string, string>>): Promise<VaultToken> {
  const asked = { right: 'update', path: `auth/${mount}/login`, body } as const;
  const answer = await session.answer(asked);
  if (answer.status === 200) {
    const token = loginTokenOf(answer.body);
    if (token !== undefined && tokenPattern.test(token)) {
      session.text.hide(token);
      return { token, isFresh: true, renewal: 'Log in anew.' };
    }
    throw new KeyServiceFailure(
      'badLogin',
      `the login at auth/${mount} gave no token`,
      'Look whether the role asks for a second factor: none can be given here.',
    );
  }
  if (answer.status === 404) {
    throw new KeyServiceFailure('badLogin', `there is no login method at auth/${mount}`, 'Look at its mount, and at the namespace.');
  }
  if (answer.body === undefined || ![400, 401, 403].includes(answer.status)) throw await session.failureOf(answer, asked);
  const said = session.text.quoted(errorsOf(answer.body) ?? '');
  throw new KeyServiceFailure(
    'badLogin',
    `Vault refuses the login at auth/${mount}${said === '' ? '' : `: ${said}`}`,
    'Look at the role, and whether what it logs in with is still valid.',
  );
}

async function homeToken(home: string): Promise<string> {
  const file = path.join(home, '.vault-token');
  // Nobody has named it: it is the last place that is looked at.
  return await fileSecret(file, 'file of "vault login"', {
    ifMissing: 'Log in with "vault login", or give a login: a token file or an AppRole, for example.',
  });
}

const faults: Readonly<Record<OwnFileFault, readonly [reason: string, fix: string]>> = {
  missing: ['is not there', 'Write it anew, or name another file.'],
  unreadable: ['can not be opened', 'Look at its rights, or name another file.'],
  noFile: ['is no file', 'Name another file.'],
  foreign: ['belongs to another user', 'Name a file of your own.'],
  openToOthers: ['may be read or written by others', 'Run "chmod 600" on it.'],
};

async function fileSecret(
  file: string,
  what: string,
  options: { readonly anyOwner?: boolean; readonly ifMissing?: string } = {},
): Promise<string> {
  try {
    await using opened = await openOwnFile(file, options);
    using line = await readFirstLine(opened);
    const secret = Buffer.from(line.bytes).toString('latin1').trim();
    if (secret === '') throw noCredentials(`the first line of the ${what} ${file} is empty`, 'Write it anew, or name another file.');
    return secret;
  } catch (error) {
    if (!(error instanceof OwnFileError)) throw error;
    const [reason, fix] = faults[error.fault];
    const way = error.fault === 'missing' ? (options.ifMissing ?? fix) : fix;
    throw noCredentials(`the ${what} ${file} ${reason}${error.system === undefined ? '' : ` (${error.system})`}`, way);
  }
}

/** A token goes to the Vault that it is for and to no other. */
function forAnother(tokenFor: string, address: string): KeyServiceFailure {
  const shown = vaultAddressProblem(tokenFor) === undefined ? tokenFor : 'something that is no address of a Vault';
  return noCredentials(
    `the token that the daemon finds around it is for ${shown} (VAULT_ADDR or BAO_ADDR), and this key is at ${address}`,
    'Log in by a token file or an AppRole; "holdfast passkey verify NAME --token-file F" gives a passkey that is there already another login.',
  );
}

function noCredentials(reason: string, fix: string): KeyServiceFailure {
  return new KeyServiceFailure('noCredentials', reason, fix);
}
