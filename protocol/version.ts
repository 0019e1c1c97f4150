/** The protocol's version: another major version cannot be spoken with, a higher minor version only adds. */
export interface ProtocolVersion {
  readonly major: number;
  readonly minor: number;
}

export const protocolVersion: ProtocolVersion = { major: 1, minor: 0 };

/** The program's version; a test holds it to package.json. */
export const programVersion = '0.1.0';

/** Why the two can not talk and what to do, as sentences for whoever uses the client; `undefined` where they can. */
export function versionProblem(daemon: ProtocolVersion, client: ProtocolVersion): string | undefined {
  if (daemon.major === client.major) return undefined;
  const way =
    daemon.major < client.major
      ? 'End the daemon with the Holdfast that started it, then try again: a newer one starts.'
      : 'Update Holdfast on this side, the extension or the command line.';
  return `Failed to talk to the daemon: it speaks protocol ${daemon.major} and this side protocol ${client.major}. ${way}`;
}
