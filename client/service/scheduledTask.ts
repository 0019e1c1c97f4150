import { HoldfastError } from '../../protocol/errors.ts';
import { escapedXml } from './launchdAgent.ts';
import { commandLine, refuseControlCharacters, type ServiceProgram } from './serviceProgram.ts';

/**
 * A task for the Windows task scheduler ([MS-TSCH] 2.5): started when `user` logs on, without a time limit, again after a failure. The scheduler gives a task no
 * environment of its own, so VS Code's runtime is started through cmd; and Node through a console without a window.
 * Throws `badValue`.
 */
export function scheduledTask(program: ServiceProgram, user: string): string {
  const words = commandLine(program);
  refuseControlCharacters([...words, user]);
  const [command, args] = program.isElectron ? throughCmd(words) : ['conhost.exe', `--headless ${words.map(quotedArgument).join(' ')}`];
  const lines = [
    '<?xml version="1.0" encoding="UTF-16"?>',
    '<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
    '  <RegistrationInfo>',
    '    <Description>Holdfast: encrypted, immutable backups</Description>',
    '  </RegistrationInfo>',
    '  <Triggers>',
    '    <LogonTrigger>',
    `      <UserId>${escapedXml(user)}</UserId>`,
    '    </LogonTrigger>',
    '  </Triggers>',
    '  <Principals>',
    '    <Principal id="Author">',
    `      <UserId>${escapedXml(user)}</UserId>`,
    '      <LogonType>InteractiveToken</LogonType>',
    '      <RunLevel>LeastPrivilege</RunLevel>',
    '    </Principal>',
    '  </Principals>',
    '  <Settings>',
    '    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>',
    '    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>',
    '    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>',
    '    <StartWhenAvailable>true</StartWhenAvailable>',
    '    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>',
    '    <RestartOnFailure>',
    '      <Interval>PT1M</Interval>',
    '      <Count>5</Count>',
    '    </RestartOnFailure>',
    '  </Settings>',
    '  <Actions Context="Author">',
    '    <Exec>',
    `      <Command>${escapedXml(command)}</Command>`,
    `      <Arguments>${escapedXml(args)}</Arguments>`,
    `      <WorkingDirectory>${escapedXml(program.homeDirectory)}</WorkingDirectory>`,
    '    </Exec>',
    '  </Actions>',
    '</Task>',
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function throughCmd(words: readonly string[]): readonly [string, string] {
  const bad = words.find((word) => /[%"!^]/.test(word));
  if (bad !== undefined) {
    throw new HoldfastError('badValue', `Failed to write the service: cmd can not be handed the path ${bad}.`, {
      fix: 'Use a folder without % ! ^ and quotation marks in its name.',
    });
  }
  const line = words.map((word) => `"${word}"`).join(' ');
  return ['cmd.exe', `/d /s /c "set "ELECTRON_RUN_AS_NODE=1" & ${line}"`];
}

/** As CommandLineToArgvW reads it: backslashes count only before a quotation mark. */
function quotedArgument(word: string): string {
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}
