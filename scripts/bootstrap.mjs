// Runs on whatever Node a fresh machine has (20 or newer) with nothing installed: only `node:` imports, and plain JavaScript.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);
const [verb = 'start', ...rest] = process.argv.slice(2);
const isInteractive = process.stderr.isTTY === true;

const entries = {
  start: ['scripts/start.ts'],
  test: ['scripts/test.ts'],
  check: ['scripts/check.ts'],
  bench: ['bench/main.ts'],
  holdfast: ['dist/cli/main.js'],
};

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const [runningMajor = 0] = process.versions.node.split('.').map(Number);
if (runningMajor < 20) fail(`Failed to start: Node ${process.versions.node} is too old. Install Node 20 or newer and run this again.`);

/** Runs a step with a line that moves on a terminal and one plain line elsewhere; its output is shown only where it fails. */
async function step(label, command, args) {
  const started = Date.now();
  if (!isInteractive) process.stderr.write(`${label} ...\n`);
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32' && command === 'npm',
    env: { ...process.env, npm_config_update_notifier: 'false' },
  });
  const output = [];
  child.stdout.on('data', (data) => output.push(data));
  child.stderr.on('data', (data) => output.push(data));
  const ticker = isInteractive
    ? setInterval(() => process.stderr.write(`\r${label} ... ${Math.round((Date.now() - started) / 1000)} s`), 250)
    : undefined;
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      output.push(Buffer.from(`${error.message}\n`));
      resolve(127);
    });
    child.once('close', resolve);
  });
  clearInterval(ticker);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (isInteractive) process.stderr.write(`\r\u001b[K${label}: ${code === 0 ? 'done' : 'failed'} after ${seconds} s\n`);
  if (code !== 0) {
    process.stderr.write(Buffer.concat(output));
    fail(`Failed to run ${command} ${args.join(' ')}: exit ${code}. Mend what it says above and run this again.`);
  }
}

const hash = (files) => {
  const sum = createHash('sha256');
  for (const file of files) sum.update(path.relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return sum.digest('hex');
};
const walk = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .flatMap((entry) => (entry.isDirectory() ? walk(path.join(folder, entry.name)) : [path.join(folder, entry.name)]))
        .sort()
    : [];

async function once(stamp, digest, work) {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  await work();
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}

await once(at('node_modules', '.holdfast-installed'), hash([at('package-lock.json'), at('package.json')]), () =>
  step('Installing dependencies (once, about half a minute)', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']),
);

const platform = process.platform === 'win32' ? 'win' : process.platform;
const pinned = at('node_modules', `node-${platform}-${process.arch}`, 'bin', platform === 'win' ? 'node.exe' : 'node');
const node = existsSync(pinned) ? pinned : runningMajor >= 24 ? process.execPath : undefined;
if (node === undefined) fail(`Failed to find Node 24 for ${process.platform}-${process.arch}: install Node 24 or newer and run this again.`);

const sources = ['protocol', 'client', 'daemon', 'cli', 'wasm'].flatMap((folder) => walk(at(folder)));
await once(at('dist', '.built'), hash([...sources, at('scripts', 'build.mjs'), at('package.json')]), () =>
  step('Building', node, [at('scripts', 'build.mjs')]),
);

const entry = entries[verb];
if (entry === undefined) {
  if (verb !== 'build') fail(`Failed to run "${verb}": it is none of ${Object.keys(entries).join(', ')}, build.`);
} else {
  // Signals reach the child through the terminal's process group; waiting for it keeps its exit status.
  const result = spawnSync(node, [at(...entry), ...rest], { cwd: root, stdio: 'inherit', env: { ...process.env, INIT_CWD: process.env.INIT_CWD ?? process.cwd() } });
  process.exit(result.status ?? (result.signal === 'SIGINT' ? 130 : 1));
}
