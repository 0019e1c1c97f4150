import { commandLine, refuseControlCharacters, serviceEnvironment, type ServiceProgram } from './serviceProgram.ts';

type Plain = string | number | boolean | readonly Plain[] | { readonly [name: string]: Plain };

/** The label of a launchd job. */
export function launchdLabel(name: string): string {
  return `dev.holdfast.${name}`;
}

/** A launchd agent (launchd.plist(5)). Throws `badValue`. */
export function launchdAgent(program: ServiceProgram): string {
  const environment = serviceEnvironment(program, 'darwin');
  refuseControlCharacters([...commandLine(program), ...Object.values(environment)]);
  const job: Plain = {
    Label: launchdLabel(program.name),
    ProgramArguments: commandLine(program),
    EnvironmentVariables: environment,
    WorkingDirectory: program.homeDirectory,
    RunAtLoad: true,
    // An orderly end, such as making way for a newer daemon, is no reason to start it again.
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    ExitTimeOut: 60,
    Umask: 0o077,
    SoftResourceLimits: { Core: 0 },
    HardResourceLimits: { Core: 0 },
  };
  const head = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
  ];
  return `${[...head, ...linesOf(job, ''), '</plist>'].join('\n')}\n`;
}

function linesOf(value: Plain, indent: string): readonly string[] {
  if (typeof value === 'string') return [`${indent}<string>${escapedXml(value)}</string>`];
  if (typeof value === 'number') return [`${indent}<integer>${value}</integer>`];
  if (typeof value === 'boolean') return [`${indent}<${value}/>`];
  const inner = `${indent}  `;
  if (isList(value)) return [`${indent}<array>`, ...value.flatMap((item) => linesOf(item, inner)), `${indent}</array>`];
  const members = Object.entries(value).flatMap(([name, member]) => [`${inner}<key>${escapedXml(name)}</key>`, ...linesOf(member, inner)]);
  return [`${indent}<dict>`, ...members, `${indent}</dict>`];
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

/** Text as XML takes it in an element. */
export function escapedXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
