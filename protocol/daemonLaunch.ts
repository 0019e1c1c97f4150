/** How a daemon's process is started, by a client or by itself when it was started otherwise: the same command, so that a daemon can see whether it runs as it should. */
export interface LaunchCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface LaunchRequest {
  readonly platform: NodeJS.Platform;
  /** Node, or VS Code's own runtime. */
  readonly runtimePath: string;
  readonly isElectron: boolean;
  readonly entryPath: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Options of the runtime that every daemon runs with: no debugger by signal, and no warnings on a standard error that nobody reads. */
export const runtimeOptions: readonly string[] = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning'];

/**
 * For glibc's allocator (mallopt(3)), which reads them before a program can set them: what a run's threads gave back goes back to the system.
 * As it comes, it keeps an arena for each thread, and keeps in it ever larger blocks: after a few runs a third of the daemon's memory held nothing.
 * The threshold stays above a segment: mapping each anew took a quarter of a backup's time.
 */
export const allocatorSettings: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '262144' };

/** Says to a daemon that it was started by `launchCommand`. */
export const launchedFlag = '--launched';

/**
 * On POSIX a shell of one line sets the limit for core files to 0, which the runtime cannot do itself, and becomes the daemon (same process).
 * Windows writes no core files into the working folder.
 */
export function launchCommand(request: LaunchRequest): LaunchCommand {
  const runtime = [request.runtimePath, ...runtimeOptions, request.entryPath, ...request.args, launchedFlag];
  const environment = {
    ...(request.platform === 'linux' ? allocatorSettings : {}),
    ...daemonEnvironment(request.environment),
    ...(request.isElectron ? { ELECTRON_RUN_AS_NODE: '1' } : {}),
  };
  if (request.platform === 'win32') return { command: request.runtimePath, args: runtime.slice(1), environment };
  return { command: '/bin/sh', args: ['-c', 'ulimit -c 0; exec "$@"', 'holdfast', ...runtime], environment };
}

const keptNodeVariables = new Set(['NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA', 'NODE_USE_ENV_PROXY', 'NODE_V8_COVERAGE']);
const droppedVariable = /^(VSCODE_|ELECTRON_|NODE_|npm_|HOLDFAST_|BROWSER$|INIT_CWD$|INVOCATION_ID$|GIT_ASKPASS$|SSH_ASKPASS$)/;

/**
 * The caller's environment without what belongs to an editor's window, a terminal in it, npm, or a debugger. The AWS and Vault variables and those of proxies
 * stay: a daemon without credentials of its own uses them.
 */
export function daemonEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || (droppedVariable.test(name) && !keptNodeVariables.has(name))) continue;
    kept[name] = /^path$/i.test(name) ? withoutEditorPaths(value) : value;
  }
  return kept;
}

function withoutEditorPaths(value: string): string {
  const separator = value.includes(';') ? ';' : ':';
  return value
    .split(separator)
    .filter((entry) => !/[/\\]remote-cli$/.test(entry))
    .join(separator);
}
