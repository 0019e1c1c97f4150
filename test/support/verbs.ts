/** Every verb of the command line that this version has. Each must be called by a test through the real CLI, or the run fails. */
export const verbs = [
  'init',
  'status',
  'unlock',
  'lock',
  'stop',
  'serve',
  'version',
  'log',
  'service install',
  'service uninstall',
  'service status',
  'diagnostics',
  'unattended passphrase-file',
  'unattended command',
  'unattended off',
  'completion',
  'passkey list',
  'passkey add passphrase',
  'passkey add aws-kms',
  'passkey add vault-transit',
  'passkey use',
  'passkey verify',
  'passkey rotate',
  'passkey gate',
  'passkey retire',
  'passkey vault-policy',
  'passkey aws-policy',
  'location add filesystem',
  'location add s3',
  'location list',
  'location validate',
  'location edit',
  'location remove',
  'location prove-lock',
  'location collect-garbage',
  'policy create',
  'policy list',
  'policy show',
  'policy edit',
  'policy pause',
  'policy resume',
  'policy retention',
  'policy delete',
  'policy export',
  'policy import',
  'backup',
  'restore-point list',
  'restore-point files',
  'restore-point cat',
  'restore-point dump',
  'restore-point diff',
  'restore-point verify',
  'restore-point retire',
  'restore-point pin',
  'restore-point unpin',
  'file-history',
  'restore',
  'immutability status',
  'immutability refresh',
  'immutability audit',
  'immutability absence',
  'import-stored',
  'dr enable',
  'dr disable',
  'dr status',
  'dr backup',
  'audit list',
  'audit verify',
  'action list',
  'action show',
  'action cancel',
  'alert list',
  'alert acknowledge',
  'alert snooze',
] as const;

export type Verb = (typeof verbs)[number];

const aliases: Readonly<Record<string, string>> = { rp: 'restore-point', loc: 'location' };
const flagsWithValueBeforeVerb: ReadonlySet<string> = new Set(['--state']);

/** The verb that a call of the CLI names; `undefined` for calls of no verb of ours and for calls that only ask for help. */
export function verbOf(args: readonly string[]): Verb | undefined {
  if (args.includes('--help') || args.includes('-h')) return undefined;
  const words: string[] = [];
  for (let index = 0; index < args.length && words.length < 3; index += 1) {
    const arg = args[index] ?? '';
    if (flagsWithValueBeforeVerb.has(arg)) index += 1;
    else if (!arg.startsWith('-')) words.push(words.length === 0 ? (aliases[arg] ?? arg) : arg);
    else if (words.length > 0 && arg !== '--json') break;
  }
  for (let length = words.length; length > 0; length -= 1) {
    const candidate = words.slice(0, length).join(' ');
    const found = verbs.find((verb) => verb === candidate);
    if (found !== undefined) return found;
  }
  return undefined;
}
