import { keyArnProblem } from '../protocol/namedKeys.ts';
import { awsLoginFlags, typedAwsKey } from './awsKey.ts';
import type { Call } from './call.ts';
import type { ServiceKey } from './serviceKey.ts';
import type { Session } from './session.ts';
import { typedVaultKey, vaultLoginFlags } from './vaultKey.ts';

const kmsFlags = ['--key-arn', '--region', '--endpoint', ...awsLoginFlags] as const;
const vaultFlags = ['--key', '--address', '--mount', '--namespace', ...vaultLoginFlags, '--ca-file'] as const;

/** The key outside that the user names, with how it is reached; nothing else is ever sent to a key. `undefined` where he names none. Errors: `usage`, `badValue`. */
export async function confirmedKey(call: Call, session: Session): Promise<ServiceKey | undefined> {
  const [forKms, forVault] = [givenOf(call, kmsFlags), givenOf(call, vaultFlags)];
  const [kms, vault, phrase] = [forKms[0], forVault[0], call.isGiven('--passphrase-file') ? '--passphrase-file' : undefined];
  const [one, other] = [kms, vault, phrase].filter((flag) => flag !== undefined);
  if (one !== undefined && other !== undefined) throw call.problem(`${one} and ${other} exclude each other`, 'Leave one of them out.');
  if (call.isGiven('--key')) return await typedVaultKey(call, session);
  const arn = call.text('--key-arn');
  if (arn === undefined) return undefined;
  const problem = keyArnProblem(arn);
  if (problem !== undefined) throw call.problem(problem, 'An alias or an id may be another key by now: look its ARN up.');
  return await typedAwsKey(call, session, '--key-arn');
}

/** Whether anything was said of a key outside, so that no passphrase is asked for. */
export function isOfKey(call: Call): boolean {
  return givenOf(call, [...kmsFlags, ...vaultFlags]).length > 0;
}

function givenOf(call: Call, flags: readonly string[]): readonly string[] {
  return flags.filter((flag) => call.isGiven(flag));
}
