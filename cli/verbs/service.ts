import type { ServiceStatus } from '../../client/service/service.ts';
import { counted } from '../../client/shown/units.ts';
import { escaped, quoted } from '../../client/shown/text.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { locationList } from '../../protocol/methods/locations.ts';
import { sessionMakeWay, sessionStatus, type StatusResult } from '../../protocol/methods/session.ts';
import type { Call } from '../call.ts';
import { facts } from '../output/table.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

const endMilliseconds = 60_000;
const startMilliseconds = 30_000;
const lookMilliseconds = 100;

export async function install(call: Call, session: Session): Promise<Result> {
  const writable = (call.texts('--writable') ?? []).map((typed) => session.resolvePath(typed));
  const service = await session.host.service(session.stateDirectory);
  const before = await session.call(sessionStatus, {});
  if (before.runningActions.length > 0) {
    throw HoldfastError.failedTo('stillInUse', 'install the service', `${counted(before.runningActions.length, 'action')} under way`, {
      fix: 'Wait for the end of what runs, or cancel it with "holdfast action cancel ID".',
    });
  }
  const locations = before.state === 'notSetUp' ? [] : await session.list(locationList, {});
  const folders = { locations: locations.flatMap(({ path }) => (path === null ? [] : [path])), writable };
  // Where no manager of services answers, nothing is to be stopped or written.
  await service.status();
  const program = await service.prepare(folders);
  // One daemon a state directory: the one that runs goes before the service's own comes.
  const { pid } = await session.call(sessionMakeWay, {});
  if (!(await session.host.untilEnded(pid, endMilliseconds))) {
    throw HoldfastError.failedTo('failed', 'install the service', `the daemon (process ${pid}) does not end`, { fix: 'End that process.' });
  }
  await service.install(program);
  await service.start(program);
  const daemon = await answering(session);
  const installed = await service.status();
  const lines = [
    `Installed the service ${escaped(installed.name)}: ${quoted(installed.path)}. It starts the daemon whenever you log in.`,
    ...(installed.confined === false && installed.kind === 'systemd'
      ? ['This system can not confine a service of a user: it may write wherever you may.']
      : []),
    ...(installed.confined === true
      ? ['It may write to your home folder, your locations, /tmp, /mnt and /media; add others with --writable DIR.']
      : []),
    ...(installed.lingers === false && installed.kind === 'systemd'
      ? ['It ends when you log out; to keep it, run: loginctl enable-linger']
      : []),
    ...(daemon.state === 'locked' ? ['The new daemon is locked: unlock it, or see holdfast unattended --help.'] : []),
  ];
  return { document: installed, lines, isNotice: true };
}

export async function uninstall(_call: Call, session: Session): Promise<Result> {
  const service = await session.host.service(session.stateDirectory);
  const uninstalled = await service.uninstall();
  const sentence = uninstalled
    ? 'Removed the service; everything in the state directory and all backups stay.'
    : 'No service was installed.';
  return { document: { ...(await service.status()), uninstalled }, lines: [sentence], isNotice: true };
}

export async function status(_call: Call, session: Session): Promise<Result> {
  const document = await (await session.host.service(session.stateDirectory)).status();
  return { document, lines: linesOf(document, session) };
}

/** The daemon that the service started, once it answers. */
async function answering({ host, stateDirectory }: Session): Promise<StatusResult> {
  const deadline = host.monotonic() + startMilliseconds;
  while (host.monotonic() < deadline) {
    await using daemon = await host.connect({ stateDirectory, start: false });
    if (daemon !== undefined) return await daemon.call(sessionStatus, {});
    await host.pause(lookMilliseconds);
  }
  throw HoldfastError.failedTo('failed', 'start the service', `its daemon did not answer within ${startMilliseconds / 1000} s`, {
    fix: 'Run "holdfast service status", then "holdfast log".',
  });
}

function linesOf(document: ServiceStatus, { style }: Session): readonly string[] {
  const yes = (is: boolean): string => (is ? style.good('yes') : 'no');
  if (!document.installed) return ['No service is installed. Install it with holdfast service install.'];
  const pairs: [string, string][] = [
    ['Service', `${escaped(document.name)} (${document.kind})`],
    ['Described in', quoted(document.path)],
    ['Starts by itself', yes(document.enabled)],
    ['Running', yes(document.running)],
  ];
  if (document.program !== null) pairs.push(['Program', quoted(document.program)]);
  if (document.confined !== null && document.kind === 'systemd') pairs.push(['Confined', yes(document.confined)]);
  if (document.lingers !== null && document.kind === 'systemd') pairs.push(['Stays after log-out', yes(document.lingers)]);
  const repair =
    document.problem === null ? [] : ['', style.bad(escaped(document.problem)), 'Install it anew with holdfast service install.'];
  return [...facts(pairs, (text) => style.bold(text)), ...repair];
}
