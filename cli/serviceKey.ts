import { HoldfastError } from '../protocol/errors.ts';
import {
  type KeyAccess,
  keyAccessSchema,
  type KeySecrets,
  keySecretsSchema,
  type KeyTarget,
  keyTargetSchema,
} from '../protocol/keyServices.ts';
import { escaped } from '../client/shown/text.ts';
import type { Call } from './call.ts';
import type { Session } from './session.ts';

/** How a key service is logged in to. */
export interface ServiceLogin {
  readonly access: KeyAccess;
  /** JSON of `KeySecrets`, where credentials are handed over; the session's secrets own it. */
  readonly secrets: Buffer | undefined;
}

/** A key outside, and how it is reached. */
export interface ServiceKey extends ServiceLogin {
  readonly target: KeyTarget;
  /** Credentials that run out, and that nothing here can renew. */
  readonly isTemporary: boolean;
}

/** Errors: `badValue`. */
export function checkedTarget(target: object, call: Call): KeyTarget {
  const checked = keyTargetSchema.safeParse(target);
  if (checked.success) return checked.data;
  throw bad('read the key', checked.error.issues[0]?.message, call);
}

/** Errors: `badValue`. */
export function checkedAccess(access: object, call: Call): KeyAccess {
  const checked = keyAccessSchema.safeParse(access);
  if (checked.success) return checked.data;
  throw bad('read how the key is reached', checked.error.issues[0]?.message, call);
}

/** Credentials as the daemon takes them. Errors: `badValue`; no message holds any of them. */
export function keepSecrets(secrets: KeySecrets, session: Session): Buffer {
  if (!keySecretsSchema.safeParse(secrets).success) {
    throw HoldfastError.failedTo('badValue', 'take the credentials', 'there is a space, a line end or another character that none has', {
      fix: 'Look at the file or the variable that they come from.',
    });
  }
  return session.secrets.keep(Buffer.from(JSON.stringify(secrets), 'utf8'));
}

function bad(action: string, reason: string | undefined, call: Call): HoldfastError {
  return HoldfastError.failedTo('badValue', action, escaped(reason ?? 'it has another form'), { fix: call.helpHint });
}
