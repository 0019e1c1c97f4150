#!/usr/bin/env node
// A user's systemd as far as the service needs it: units in the configuration folder, one process each, its facts in a folder of the test's.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const [scope, verb, ...rest] = process.argv.slice(2);
const unit = rest.find((word) => word.endsWith('.service')) ?? '';
const folder = process.env['FAKE_SYSTEMD'];
const unitFile = path.join(process.env['HOME'], '.config', 'systemd', 'user', unit);
const at = (kind) => path.join(folder, `${unit}.${kind}`);
const read = (kind) => (existsSync(at(kind)) ? readFileSync(at(kind), 'utf8') : '');
mkdirSync(folder, { recursive: true });
writeFileSync(path.join(folder, 'calls'), `${process.argv.slice(2).join(' ')}\n`, { flag: 'a' });

/** Words as systemd.syntax(7) quotes them. */
function words(text) {
  return Array.from(text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g), ([, inner, bare]) =>
    (inner ?? bare).replaceAll(/\\(.)/g, '$1').replaceAll('%%', '%'),
  );
}

const valuesOf = (name) =>
  readFileSync(unitFile, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

async function stop() {
  const pid = Number(read('pid'));
  if (pid > 0 && isAlive(pid)) {
    process.kill(pid, 'SIGTERM');
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  rmSync(at('pid'), { force: true });
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

if (scope !== '--user') fail('Interactive authentication required.');
if (process.env['FAKE_SYSTEMD_UNREACHABLE'] !== undefined) fail('Failed to connect to bus: No medium found');
switch (verb) {
  case 'daemon-reload':
    break;
  case 'reset-failed':
    rmSync(at('status'), { force: true });
    break;
  case 'enable':
    if (!existsSync(unitFile)) fail(`Failed to enable unit: Unit file ${unit} does not exist.`);
    writeFileSync(at('enabled'), '');
    break;
  case 'disable':
    rmSync(at('enabled'), { force: true });
    if (rest.includes('--now')) await stop();
    break;
  case 'restart': {
    await stop();
    if (process.env['FAKE_SYSTEMD_NO_NAMESPACES'] !== undefined && valuesOf('ProtectSystem').length > 0) {
      writeFileSync(at('status'), '226');
      fail(`Job for ${unit} failed because the control process exited with error code.`);
    }
    const [command, ...args] = words(valuesOf('ExecStart')[0].replaceAll('$$', '$'));
    const environment = Object.fromEntries(
      valuesOf('Environment')
        .flatMap(words)
        .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    );
    const child = spawn(command, args, {
      detached: true,
      stdio: 'ignore',
      cwd: process.env['HOME'],
      env: { HOME: process.env['HOME'], ...environment },
    });
    writeFileSync(at('pid'), String(child.pid));
    child.unref();
    break;
  }
  case 'show': {
    const pid = Number(read('pid'));
    const isRunning = pid > 0 && isAlive(pid);
    const state = isRunning ? 'active' : existsSync(at('status')) ? 'failed' : 'inactive';
    const facts = {
      LoadState: existsSync(unitFile) ? 'loaded' : 'not-found',
      UnitFileState: existsSync(at('enabled')) ? 'enabled' : existsSync(unitFile) ? 'disabled' : '',
      ActiveState: state,
      Result: state === 'failed' ? 'exit-code' : 'success',
      ExecMainStatus: read('status') === '' ? '0' : read('status'),
    };
    process.stdout.write(
      Object.entries(facts)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    break;
  }
  default:
    fail(`Unknown command verb ${verb}.`);
}
