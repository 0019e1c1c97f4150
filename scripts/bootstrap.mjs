// Runs on whatever Node a fresh machine has (20 or newer) with nothing installed: only `node:` imports, and plain JavaScript.
// Installs what package-lock.json says and builds dist/ where either is out of date, then runs one entry under the pinned Node.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);
const isWindows = process.platform === 'win32';
const isInteractive = process.stderr.isTTY === true;
const [verb = 'start', ...rest] = process.argv.slice(2);

/** `undefined`: building is all that is asked. */
const entries = {
  build: undefined,
  start: 'scripts/start.ts',
  test: 'scripts/test.ts',
  check: 'scripts/check.ts',
  bench: 'bench/main.ts',
  drills: 'scripts/drills.ts',
  package: 'scripts/package.ts',
  holdfast: 'dist/cli/main.js',
};

function fail(message, status = 1) {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}

const runningMajor = Number(process.versions.node.split('.')[0]);
if (!(runningMajor >= 20)) fail(`Failed to start: Node ${process.versions.node} is too old. Install Node 20 or newer and run this again.`);
if (!Object.hasOwn(entries, verb)) fail(`Failed to run "${verb}": it is none of ${Object.keys(entries).join(', ')}.`, 2);

// A signal goes to the child that runs now, and this process ends as the child ends. On a terminal Ctrl-C has reached the child already,
// because both are in the foreground's process group: sent again it would count as a second, impatient one.
let running;
let interrupted;
for (const signal of isWindows ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = signal;
    const cameFromTerminal = signal === 'SIGINT' && [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY === true);
    if (running === undefined) process.exit(statusOf(null, signal));
    else if (!cameFromTerminal && !isWindows) running.kill(signal);
  });
}

// A shell between npm and this process dies of a signal that npm passes on, and passes nothing on itself.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    interrupted = 'SIGTERM';
    if (running === undefined) process.exit(statusOf(null, 'SIGTERM'));
    running.kill('SIGTERM');
  }, 500);
  watch.unref();
}

function statusOf(code, signal) {
  return code ?? 128 + (os.constants.signals[signal] ?? 1);
}

/** Resolves with the exit status once the child has ended; 127 where it could not be started. */
function ended(child, onError) {
  running = child;
  return new Promise((resolve) => {
    child.once('error', (error) => {
      onError(error);
      resolve(127);
    });
    child.once('close', (code, signal) => resolve(statusOf(code, signal)));
  }).finally(() => {
    running = undefined;
  });
}

/** Runs a step with a line that moves on a terminal and one plain line elsewhere; its output is shown only where it fails. */
async function step(label, command, args, options = {}) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  if (!isInteractive) process.stderr.write(`${label} ...\n`);
  const output = [];
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  child.stdout?.on('data', (data) => output.push(data));
  child.stderr?.on('data', (data) => output.push(data));
  const ticker = isInteractive ? setInterval(() => process.stderr.write(`\r${label} ... ${seconds()} s`), 250) : undefined;
  const code = await ended(child, (error) => output.push(Buffer.from(`${error.message}\n`)));
  clearInterval(ticker);
  if (isInteractive) process.stderr.write(`\r\u001b[K${label}: ${code === 0 ? 'done' : 'not done'} after ${seconds()} s\n`);
  if (interrupted !== undefined) process.exit(statusOf(null, interrupted));
  if (code === 0) return;
  process.stderr.write(Buffer.concat(output));
  fail(
    `Failed to run ${path.basename(command)} ${args.map((arg) => path.relative('', arg) || arg).join(' ')}: exit ${code}. Mend what it says above and run this again.`,
  );
}

function digestOf(parts) {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part).update('\0');
  return sum.digest('hex');
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(path.join(folder, entry.name)) : [path.join(folder, entry.name)]))
    .sort();
}

const isStamped = (stamp, digest) => existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whether the lock file was left behind by a process that is gone. One that is empty is being written, unless it has been for long. */
function isStale(lock) {
  try {
    const text = readFileSync(lock, 'utf8');
    return text === '' ? Date.now() - statSync(lock).mtimeMs > 5000 : !isAlive(Number(text));
  } catch {
    return false;
  }
}

/** Removes a stale lock; the rename makes sure that of two that do so at once only one gets it, and a fresh one is given back. */
function takeAway(lock) {
  const taken = `${lock}.${process.pid}`;
  try {
    renameSync(lock, taken);
  } catch {
    return;
  }
  if (isStale(taken)) rmSync(taken, { force: true });
  else renameSync(taken, lock);
}

/** Runs `work` while no other bootstrap of this checkout installs or builds. */
async function alone(work) {
  const lock = at('.cache', 'bootstrap.lock');
  mkdirSync(path.dirname(lock), { recursive: true });
  let hasSaidSo = false;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST' && error.code !== 'EPERM') throw error;
    }
    if (isStale(lock)) takeAway(lock);
    else {
      if (!hasSaidSo) process.stderr.write('Waiting for another run in this checkout that installs or builds ...\n');
      hasSaidSo = true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const release = () => rmSync(lock, { force: true });
  process.once('exit', release);
  await work();
  process.off('exit', release);
  release();
}

/** Does the work where its stamp says that it was not done for this very input. Stamps lie inside what they vouch for. */
async function once(stamp, digest, work) {
  if (isStamped(stamp, digest())) return;
  await alone(async () => {
    if (isStamped(stamp, digest())) return;
    await work();
    mkdirSync(path.dirname(stamp), { recursive: true });
    writeFileSync(stamp, digest());
  });
}

async function install() {
  // npm's own script, where npm started us: no shell is needed then, and a shell would have to be given quoted arguments.
  const npmScript = process.env.npm_execpath;
  const isNpm = npmScript !== undefined && path.basename(npmScript) === 'npm-cli.js' && existsSync(npmScript);
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  let runtime = process.execPath;
  if (runtime.startsWith(at('node_modules') + path.sep) && isWindows) {
    // Windows deletes no program that runs, but it renames it.
    renameSync(runtime, at('.cache', `node-${process.pid}.exe`));
    runtime = process.env.npm_node_execpath ?? runtime;
  } else if (runtime.startsWith(at('node_modules') + path.sep)) runtime = process.env.npm_node_execpath ?? 'node';
  const env = { ...process.env, npm_config_update_notifier: 'false' };
  const label = 'Installing dependencies (once, about half a minute)';
  if (isNpm) await step(label, runtime, [npmScript, ...args], { env });
  else await step(label, 'npm', args, { env, shell: isWindows });
}

/** Node 24 as installed by npm, or the Node that runs now where that is new enough and there is none for this platform. */
function pinnedNode() {
  const platform = isWindows ? 'win' : process.platform;
  const installed = at('node_modules', `node-${platform}-${process.arch}`, 'bin', isWindows ? 'node.exe' : 'node');
  if (existsSync(installed)) return installed;
  if (runningMajor >= 24) return process.execPath;
  return fail(
    `Failed to find Node 24 for ${process.platform}-${process.arch}: npm has none for it. Install Node 24 or newer and run this again.`,
  );
}

/** Has an effect on what is installed: scripts and descriptions in package.json have none. */
function dependencyFacts() {
  const { dependencies, devDependencies, optionalDependencies, overrides, allowScripts } = JSON.parse(
    readFileSync(at('package.json'), 'utf8'),
  );
  return JSON.stringify({ dependencies, devDependencies, optionalDependencies, overrides, allowScripts });
}

await once(
  at('node_modules', '.holdfast-installed'),
  () => digestOf([process.platform, process.arch, dependencyFacts(), readFileSync(at('package-lock.json'))]),
  async () => {
    await install();
    const node = pinnedNode();
    // Musl systems get the package and can't run it.
    const works = node === process.execPath || spawnSync(node, ['--version'], { stdio: 'ignore' }).status === 0;
    if (works) return;
    if (runningMajor < 24)
      fail(`Failed to run ${path.relative(root, node)}: it does not work on this system. Install Node 24 or newer and run this again.`);
    rmSync(node);
  },
);
const node = pinnedNode();

const sourcesDigest = () => {
  const files = [
    ...['protocol', 'client', 'daemon', 'cli', 'extension'].flatMap((folder) => filesBelow(at(folder))),
    at('scripts', 'build.mjs'),
    at('package-lock.json'),
    at('package.json'),
  ];
  return digestOf(files.flatMap((file) => [path.relative(root, file), readFileSync(file)]));
};
await once(at('dist', '.built'), sourcesDigest, () => step('Building', node, [at('scripts', 'build.mjs')]));

if (interrupted !== undefined) process.exit(statusOf(null, interrupted));
const entry = entries[verb];
if (entry !== undefined) {
  const env = { ...process.env, INIT_CWD: process.env.INIT_CWD ?? process.cwd() };
  // Tells the command line that it runs in a checkout: it then takes the checkout's own state and INIT_CWD into account.
  if (verb === 'holdfast') env.HOLDFAST_CHECKOUT = root;
  const child = spawn(node, [at(entry), ...rest], { cwd: root, stdio: 'inherit', env });
  process.exitCode = await ended(child, (error) => process.stderr.write(`Failed to run ${entry}: ${error.message}.\n`));
}
