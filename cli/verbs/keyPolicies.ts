import { HoldfastError } from '../../protocol/errors.ts';
import { awsKeyPolicy, vaultPolicy } from '../../protocol/keyPolicies.ts';
import { mountProblem, transitKeyProblem } from '../../protocol/keyServices.ts';
import { readAwsKeyName } from '../../protocol/awsKeyName.ts';
import { jsonText } from '../output/json.ts';
import type { Call } from '../call.ts';
import type { Result } from '../result.ts';
import { withoutSlashes } from '../withoutSlashes.ts';

/** IAM user guide, IAM identifiers; a role that is assumed has a session's name behind its own. */
const principalPattern =
  /^arn:aws[a-z-]{0,16}:(?:iam::\d{12}:(?:root|(?:user|role)\/[\w+=,.@/-]{1,576})|sts::\d{12}:assumed-role\/[\w+=,.@/-]{1,576})$/;

/** Text for `vault policy write NAME -`. Asks no daemon. */
export function vault(call: Call): Promise<Result> {
  const key = checked('--key', call.requiredText('--key'), transitKeyProblem, call);
  const mount = checked('--mount', withoutSlashes(call.text('--mount')) ?? 'transit', mountProblem, call);
  const policy = vaultPolicy({ mount, key });
  return Promise.resolve({ document: { policy }, lines: [policy.trimEnd()] });
}

/** Statements for the key's own policy, and a policy for the user or role. Asks no daemon. */
export function aws(call: Call): Promise<Result> {
  const keyArn = checked('--key-id', call.requiredText('--key-id'), keyArnProblem, call);
  const principal = checked('--principal', call.requiredText('--principal'), principalProblem, call);
  const policies = awsKeyPolicy({ keyArn, principal });
  return Promise.resolve({
    document: policies,
    lines: [
      "For the key's own policy, beside the statements that are there:",
      jsonText(policies.keyPolicyStatements, 2),
      '',
      'Or for the user or role (IAM), which is enough where the key is of the same account and lets IAM decide:',
      jsonText(policies.iamPolicy, 2),
    ],
  });
}

function keyArnProblem(text: string): string | undefined {
  return readAwsKeyName(text)?.form === 'keyArn'
    ? undefined
    : 'it must be the ARN of a key, such as arn:aws:kms:eu-west-1:123456789012:key/…: a policy knows no alias';
}

function principalProblem(text: string): string | undefined {
  return principalPattern.test(text) ? undefined : 'it must be the ARN of a user or a role, such as arn:aws:iam::123456789012:role/backup';
}

function checked(flag: string, text: string, problem: (text: string) => string | undefined, call: Call): string {
  const found = problem(text);
  if (found === undefined) return text;
  throw HoldfastError.failedTo('badValue', `read ${flag}`, found, { fix: call.helpHint });
}
