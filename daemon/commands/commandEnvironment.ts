import { allocatorSettings, daemonEnvironment } from '../../protocol/daemonLaunch.ts';

/**
 * What a command of the user's gets: the daemon's environment without what is meant for the daemon itself (its runtime, its allocator), and
 * what is added for this command.
 */
export function commandEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  added: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const own = new Map<string, string>(Object.entries(allocatorSettings));
  const kept = Object.entries(daemonEnvironment(environment)).filter(([name, value]) => own.get(name) !== value);
  return { ...Object.fromEntries(kept), ...added };
}
