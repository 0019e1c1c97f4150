import { execFileSync } from 'node:child_process';

/**
 * Runs a command line of AWS in a shell where `aws` is a stand-in, which answers each verb as told. The arguments of its calls, in their order of start. In
 * /bin/bash.
 */
export function runAwsCommand(command: string, answerOf: Readonly<Record<string, string>> = {}): readonly (readonly string[])[] {
  const answers = Object.entries(answerOf).map(
    ([verb, answer]) => `${verb}) printf '%s\\n' '${answer.replaceAll("'", String.raw`'\''`)}';;`,
  );
  const script = `aws() { { printf '%s\\0' "$@"; printf '\\1\\0'; } >&3; case "$2" in ${answers.join(' ')} *) echo "[$2]";; esac; }; ${command}`;
  const out = execFileSync('/bin/bash', ['-c', `exec 3>&1 >/dev/null; ${script}`], { encoding: 'utf8' });
  return out
    .split('\u0001\0')
    .slice(0, -1)
    .map((call) => call.split('\0').slice(0, -1));
}
