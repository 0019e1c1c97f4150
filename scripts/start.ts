// The main job on real input, from nothing: `npm start`, `npm start -- --folder DIR`, `npm start -- --no-ui`.
import { createHash, randomInt } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { generatePassphrase } from '../protocol/generatedPassphrase.ts';
import { compareTrees, type EntryKind } from '../test/support/compareTrees.ts';
import { ExpectedTree } from './expectedTree.ts';
import { CallFailed, HoldfastCli } from './holdfastCli.ts';
import { root } from './run.ts';
import { ScriptFailed } from './scriptFailed.ts';

const state = path.join(root, '.holdfast');
const store = path.join(state, 'store');
// Outside of the state directory, which no restore may write into.
const restored = path.join(root, '.holdfast-restored');
const passphraseFile = path.join(state, 'passphrase');
const locationName = 'checkout-store';
const warningsStatus = 6;
const shownDifferences = 20;

const anything = z.unknown();
const statusShape = z.looseObject({ state: z.enum(['notRunning', 'notSetUp', 'locked', 'unlocked']) });
const namedShape = z.array(z.looseObject({ name: z.string() }));
const findingsShape = z.array(z.looseObject({ path: z.string(), reason: z.string() }));
const backupShape = z.looseObject({
  restorePointId: z.string(),
  outcome: z.enum(['complete', 'completeWithWarnings']),
  files: z.number(),
  bytes: z.number(),
  addedBytes: z.number(),
  skipped: findingsShape,
  seconds: z.number(),
});
const restoreShape = z.looseObject({ files: z.number(), bytes: z.number(), seconds: z.number() });

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power] ?? ''}`;
}

function files(count: number): string {
  return `${count} ${count === 1 ? 'file' : 'files'}`;
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

/** The path as it can be typed where npm was called. */
function typed(file: string): string {
  const relative = path.relative(process.env['INIT_CWD'] ?? process.cwd(), file);
  const shown = relative.startsWith('..') || relative === '' ? file : relative;
  return /^[\w./@%+=:,-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

/** Makes a passphrase file before anything is wrapped by it, so that no crash leaves an installation that nobody can open. */
function makePassphrase(): void {
  const temporary = `${passphraseFile}.new`;
  const passphrase = generatePassphrase((below) => randomInt(below));
  writeFileSync(temporary, `${passphrase}\n`, { mode: 0o600, flush: true });
  renameSync(temporary, passphraseFile);
  say(`\nYour passphrase, shown this once:\n\n    ${passphrase}\n`);
  say(`It opens every backup made here; without it nobody can. It is also kept in ${typed(passphraseFile)} (only you can read it).\n`);
}

/** Leaves the daemon running and unlocked; says whether it ran before. */
async function openInstallation(cli: HoldfastCli): Promise<{ readonly ranBefore: boolean }> {
  const before = await cli.call(statusShape, ['status']);
  const ranBefore = before.state !== 'notRunning';
  if (before.state === 'unlocked') return { ranBefore };
  // Looking starts no daemon; a list that works while locked does.
  await cli.call(anything, ['location', 'list']).catch((error: unknown) => {
    if (!(error instanceof CallFailed) || error.code !== 'notSetUp') throw error;
  });
  const { state: now } = await cli.call(statusShape, ['status']);
  if (now === 'notSetUp') {
    if (!existsSync(passphraseFile)) makePassphrase();
    await cli.call(anything, ['init', '--passphrase-file', passphraseFile]);
  } else if (now === 'locked' && existsSync(passphraseFile)) {
    await cli.call(anything, ['unlock', '--passphrase-file', passphraseFile]);
  } else if (now === 'locked') {
    throw new CallFailed(
      3,
      'locked',
      `Failed to unlock ${state}: ${passphraseFile} is not there.`,
      'Type npm run -s holdfast -- unlock, then this again.',
    );
  }
  return { ranBefore };
}

async function ensureLocation(cli: HoldfastCli): Promise<void> {
  const locations = await cli.call(namedShape, ['location', 'list']);
  if (locations.some(({ name }) => name === locationName)) return;
  mkdirSync(store, { recursive: true, mode: 0o700 });
  await cli.call(anything, ['location', 'add', 'filesystem', locationName, '--path', store]);
}

async function ensurePolicy(cli: HoldfastCli, folder: string, isCheckout: boolean): Promise<string> {
  const slug = path.basename(folder).replaceAll(/[^\w.-]+/g, '-') || 'root';
  const policy = isCheckout ? 'checkout' : `${slug}-${createHash('sha256').update(folder).digest('hex').slice(0, 6)}`;
  const policies = await cli.call(namedShape, ['policy', 'list']);
  if (!policies.some(({ name }) => name === policy)) {
    await cli.call(anything, [
      'policy',
      'create',
      policy,
      '--source',
      folder,
      '--location',
      locationName,
      ...(isCheckout ? ['--gitignore'] : []),
    ]);
  }
  return policy;
}

/** Compares the restored folder with the source; entries that changed after `since` (ms) can't be told apart from faults and are counted instead. */
function compare(
  expected: ExpectedTree,
  folder: string,
  since: number,
): { readonly differences: readonly string[]; readonly changed: number; readonly compared: number } {
  let changed = 0;
  const hasChanged = (name: Buffer): boolean => {
    try {
      return lstatSync(Buffer.concat([Buffer.from(`${folder}/`), name])).ctimeMs >= since;
    } catch {
      return false;
    }
  };
  const leaveOut = (name: Buffer, kind: EntryKind): boolean => {
    if (expected.leavesOut(name, kind)) return true;
    if (kind === 'folder' || !hasChanged(name)) return false;
    changed += 1;
    return true;
  };
  const { differences, files: compared } = compareTrees(folder, restored, { leaveOut, top: false });
  return { differences, changed, compared };
}

/** Backs the source up, restores it beside, compares the two and says what to type next. */
async function demonstrate(
  cli: HoldfastCli,
  source: string,
  { isCheckout, stops }: { readonly isCheckout: boolean; readonly stops: boolean },
): Promise<boolean> {
  await ensureLocation(cli);
  const policy = await ensurePolicy(cli, source, isCheckout);
  say(isCheckout ? `Backing up this checkout (${source}); what its .gitignore files name is left out.` : `Backing up ${source}.`);
  // An earlier copy is no part of what is backed up, whatever folder that is.
  rmSync(restored, { recursive: true, force: true });
  const since = Date.now();
  const backup = await cli.call(backupShape, ['backup', policy], [0, warningsStatus]);
  for (const { path: skipped, reason } of backup.skipped.slice(0, shownDifferences)) say(`  skipped ${skipped}: ${reason}`);
  say('Restoring it into an empty folder.');
  mkdirSync(restored, { mode: 0o700 });
  const restore = await cli.call(restoreShape, ['restore', backup.restorePointId, '--target', restored]);
  say('Comparing the two, byte for byte and with their metadata.');
  const expected = new ExpectedTree({
    source,
    leftOut: [state, restored],
    gitignore: isCheckout,
    skipped: backup.skipped.map((skipped) => skipped.path),
  });
  const { differences, changed, compared } = compare(expected, source, since);
  for (const difference of differences.slice(0, shownDifferences)) say(`  ${difference}`);
  if (differences.length > shownDifferences) say(`  and ${differences.length - shownDifferences} more`);

  const stored = bytesBelow(store);
  say(
    `\n${differences.length === 0 ? 'Equal' : 'NOT EQUAL'}: ${files(compared)} compared${changed === 0 ? '' : `; ${changed} changed meanwhile and were left out of the comparison`}.`,
  );
  say(`  backed up     ${files(backup.files)}, ${size(backup.bytes)} in ${backup.seconds.toFixed(1)} s`);
  say(`  stored        ${size(backup.addedBytes)} new after deduplication and compression; ${size(stored)} in all`);
  say(`  restored      ${files(restore.files)}, ${size(restore.bytes)} in ${restore.seconds.toFixed(1)} s`);
  say(`  restore point ${backup.restorePointId} of policy ${policy}`);
  say(`  state         ${typed(state)}`);
  say(`  store         ${typed(store)}`);
  say(`  restored copy ${typed(restored)} (you may delete it)`);
  say(`  passphrase    ${typed(passphraseFile)}`);
  say('\nWhat to type next:');
  if (stops) say(`  npm run -s holdfast -- unlock --passphrase-file ${typed(passphraseFile)}`);
  say('  npm run -s holdfast -- restore-point list');
  say('  npm run -s holdfast -- restore-point files latest');
  say(`  npm run -s holdfast -- backup ${policy}`);
  say('  npm run -s holdfast -- --help');
  if (!stops) say('  npm run -s holdfast -- stop');
  return differences.length === 0;
}

async function main(interrupted: AbortSignal): Promise<number> {
  const { values } = parseArgs({ options: { 'no-ui': { type: 'boolean', default: false }, folder: { type: 'string' } } });
  const folder = path.resolve(process.env['INIT_CWD'] ?? process.cwd(), values.folder ?? root);
  const isCheckout = values.folder === undefined;
  const source = isCheckout ? root : folder;
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) {
    say(`Failed to back up ${source}: it is not a folder. Name another one: npm start -- --folder DIR.`);
    return 2;
  }
  mkdirSync(state, { recursive: true, mode: 0o700 });
  chmodSync(state, 0o700);
  const cli = new HoldfastCli({ state, passphraseFile, showProgress: process.stderr.isTTY });
  const { ranBefore } = await openInstallation(cli);
  const hasWindow = !values['no-ui'];
  // A daemon that ran before belongs to somebody; with a window this process is what stands for it.
  const stops = hasWindow || !ranBefore;
  try {
    const isEqual = await demonstrate(cli, source, { isCheckout, stops: stops && !hasWindow });
    if (hasWindow && !interrupted.aborted) {
      const { openWorkbench } = await import('./start/openWorkbench.ts');
      const dataDirectory = path.join(state, 'workbench');
      const opened = await openWorkbench({ folder: source, stateDirectory: state, dataDirectory, say, signal: interrupted });
      if (!opened) say('npm start -- --no-ui does all of the above without a window.');
    }
    return isEqual ? 0 : 1;
  } finally {
    if (stops) await cli.call(anything, ['stop']);
  }
}

// The command line that runs now has had the same Ctrl-C from the terminal and answers it with its own status, so this process waits for it.
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
  });
}

try {
  process.exitCode = await main(interruption.signal);
} catch (error) {
  if (error instanceof CallFailed) {
    process.stderr.write(`${error.message}${error.fix === null ? '' : ` ${error.fix}`}\n`);
    process.exitCode = error.status;
  } else if (interruption.signal.aborted) {
    process.exitCode = 130;
  } else if (error instanceof ScriptFailed) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
