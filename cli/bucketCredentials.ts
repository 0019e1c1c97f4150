import { HoldfastError } from '../protocol/errors.ts';
import type { S3Credentials, S3KeysSecret } from '../protocol/methods/locations.ts';
import { escaped, quoted } from '../client/shown/text.ts';
import { keysOfEnvironment, keysOfFile, longestKeysFile, secretOf } from './bucketKeys.ts';
import type { Call } from './call.ts';
import type { Session } from './session.ts';

/** Where a bucket's credentials come from, with the keys where they are handed over. */
export interface BucketCredentials {
  readonly credentials: S3Credentials;
  /** JSON of `S3KeysSecret`; the session's secrets own it. */
  readonly keys: Buffer | undefined;
  /** What `keys` holds. */
  readonly members: S3KeysSecret | undefined;
  /** Keys that run out. */
  readonly isTemporary: boolean;
}

/** Flags of which one at most says where credentials come from. */
export const credentialFlags = ['--credentials-file', '--profile', '--role-arn', '--credentials'] as const;

/** By the flags; `undefined` where none was given. Errors: `usage`, `badValue`. */
export async function typedCredentials(call: Call, session: Session): Promise<BucketCredentials | undefined> {
  const given = credentialFlags.filter((flag) => call.isGiven(flag));
  if (given.length > 1) throw call.problem(`${given.join(' and ')} exclude each other`, 'Leave all but one of them out.');
  const file = call.text('--credentials-file');
  const profile = call.text('--profile');
  const roleArn = call.text('--role-arn');
  if (file !== undefined) {
    if (file === '-' && session.globals.stepUpFile === '-') {
      throw call.problem('--credentials-file and --step-up-file can not both be standard input', 'Give one of them a file.');
    }
    return await credentialsOfFile(file, session);
  }
  if (profile !== undefined) return withoutKeys({ source: 'profile', profile });
  if (roleArn !== undefined) return withoutKeys({ source: 'role', roleArn });
  const from = call.text('--credentials');
  if (from === undefined) return undefined;
  return from === 'shell' ? shellCredentials(session) : withoutKeys({ source: 'chain' });
}

/** What is taken where nothing was said: the keys of the calling shell, else the daemon's own chain. */
export async function usualCredentials(session: Session): Promise<BucketCredentials> {
  const { environment } = session.host;
  const keys = keysOfEnvironment(environment);
  if (keys !== undefined) return sealed(keys, session);
  const profile = environment['AWS_PROFILE'] ?? '';
  if (profile !== '') {
    await session.note(`AWS_PROFILE is set in this shell alone: say --profile ${escaped(profile)} for the daemon to use it.`);
  }
  return withoutKeys({ source: 'chain' });
}

/** The keys of the calling shell. Errors: `badValue` where it has none. */
export function shellCredentials(session: Session): BucketCredentials {
  const keys = keysOfEnvironment(session.host.environment);
  if (keys !== undefined) return sealed(keys, session);
  throw HoldfastError.failedTo('badValue', "take the shell's credentials", 'it has none', {
    fix: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file of keys.',
  });
}

/** The keys that a file holds, `-` for all of standard input. */
export async function credentialsOfFile(file: string, session: Session): Promise<BucketCredentials> {
  const content = await session.secrets.readAll({ what: 'the file of credentials', file, flag: '--credentials-file' }, longestKeysFile);
  if (file !== '-' && (await session.host.othersMayRead(session.resolvePath(file)))) {
    await session.note(session.style.warning(`Other users of this machine may read ${quoted(file)}: run "chmod 600" on it.`));
  }
  return sealed(keysOfFile(content), session);
}

function sealed(keys: S3KeysSecret, session: Session): BucketCredentials {
  return {
    credentials: { source: 'sealed' },
    keys: session.secrets.keep(secretOf(keys)),
    members: keys,
    isTemporary: keys.sessionToken !== undefined,
  };
}

function withoutKeys(credentials: S3Credentials): BucketCredentials {
  return { credentials, keys: undefined, members: undefined, isTemporary: false };
}
