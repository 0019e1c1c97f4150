/** The protocol's version: another major version cannot be spoken with, a higher minor version only adds. */
export interface ProtocolVersion {
  readonly major: number;
  readonly minor: number;
}

export const protocolVersion: ProtocolVersion = { major: 1, minor: 0 };

/** The program's version; a test holds it to package.json. */
export const programVersion = '0.1.0';

/** Which side has to be updated, as a sentence; `undefined` where the two can talk. */
export function versionProblem(daemon: ProtocolVersion, client: ProtocolVersion): string | undefined {
  if (daemon.major === client.major) return undefined;
  const [older, newer] = daemon.major < client.major ? ['daemon', 'client'] : ['client', 'daemon'];
  const [low, high] = [Math.min(daemon.major, client.major), Math.max(daemon.major, client.major)];
  return `Failed to talk to the daemon: the ${older} speaks protocol ${low} and the ${newer} protocol ${high}. Update the ${older}.`;
}
