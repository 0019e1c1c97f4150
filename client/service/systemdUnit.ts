import { commandLine, refuseControlCharacters, serviceEnvironment, type ServiceProgram } from './serviceProgram.ts';

/**
 * A user unit (systemd.service(5), systemd.exec(5)). Confining it (`ProtectSystem=`) makes the user's manager put it into a user namespace, where files of
 * other users seem to be nobody's; the daemon writes down no owner for those.
 * Throws `badValue`.
 */
export function systemdUnit(program: ServiceProgram): string {
  const environment = Object.entries(serviceEnvironment(program, 'linux'));
  refuseControlCharacters([...commandLine(program), ...environment.map(([, value]) => value), ...(program.writable ?? [])]);
  // The runtime folder holds the socket (%t). A folder that is not there is no error (-).
  const writable = program.writable?.map((folder) => quoted(`-${folder}`));
  const lines = [
    '[Unit]',
    'Description=Holdfast: encrypted, immutable backups',
    'StartLimitIntervalSec=300',
    'StartLimitBurst=5',
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${executed(commandLine(program))
      .map((word) => quoted(word).replaceAll('$', '$$$$'))
      .join(' ')}`,
    'WorkingDirectory=~',
    ...environment.map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    'Restart=on-failure',
    'RestartSec=5',
    'KillMode=mixed',
    'TimeoutStopSec=60',
    'UMask=0077',
    'LimitCORE=0',
    'NoNewPrivileges=yes',
    'MemorySwapMax=0',
    ...(writable === undefined ? [] : ['ProtectSystem=strict', `ReadWritePaths=-%t ${writable.join(' ')}`]),
    '',
    '[Install]',
    'WantedBy=default.target',
  ];
  return `${lines.join('\n')}\n`;
}

/** The first word of a command must hold no quotation mark and no backslash, however it is quoted; a shell has no such rule, and becomes the daemon. */
function executed(words: readonly string[]): readonly string[] {
  const [command = ''] = words;
  return /["'\\]/.test(command) ? ['/bin/sh', '-c', 'exec "$@"', 'holdfast', ...words] : words;
}

/** One word (systemd.syntax(7), Quoting): percent signs are specifiers, backslashes escape. */
function quoted(word: string): string {
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;
}
