import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { runCli } from '../support/cli.ts';
import { refused } from '../support/cliExpect.ts';
import { ScratchState } from '../support/daemon.ts';
import { type Verb, verbs } from '../support/verbs.ts';

/** Verbs of docs that a later version has. */
const laterVerbs: readonly string[] = [
  'location add azure-blob blob',
  'policy import --import-data-file F --location store --keep-alive',
  'dr scan --location-spec F',
  'dr points --location-spec F --installation I',
  'dr restore --location-spec F --installation I --at latest',
  'dr take-ownership --yes',
  'dr rehearse',
  'dr verify-report F',
  'dr recovery-sheet',
];

/** The flags that the contract gives to each verb of this version, and to all of them. */
const flagsOf: Readonly<Partial<Record<Verb, string>>> = {
  init: '--passphrase-file --passkey-name --passkey-kind --key-id --region --address --key --mount --namespace --token-file',
  unlock: '--passkey --passphrase-file --token-file --role-id --secret-id-file --profile --address --ca-file',
  log: '--follow',
  'passkey add passphrase': '--passphrase-file --use-now',
  'passkey add aws-kms': '--key-id --region --endpoint --profile --role-arn --use-now',
  'passkey add vault-transit':
    '--address --key --mount --namespace --token-file --role-id --secret-id-file --jwt-file --role --ca-file --use-now',
  'passkey rotate': '--passphrase-file --every --key-arn --no-schedule',
  'passkey vault-policy': '--key --mount',
  'passkey aws-policy': '--key-id --principal',
  'location add filesystem': '--path',
  'location add s3':
    '--bucket --region --endpoint --prefix --credentials-file --profile --role-arn --protection-period --lock-mode --upload-limit',
  'location edit':
    '--path --bucket --region --endpoint --prefix --credentials-file --profile --role-arn --protection-period --lock-mode --upload-limit',
  'immutability status': '--location',
  'dr enable': '--location --schedule --no-after-backups --dr-passphrase-file',
  'immutability refresh': '--location',
  'immutability audit': '--location',
  'policy create':
    '--source --command --before --after --hook-timeout --location --schedule --exclude --exclude-file --gitignore --one-file-system --include-caches --max-file-size',
  'policy edit':
    '--source --command --before --after --hook-timeout --location --schedule --exclude --exclude-file --gitignore --one-file-system --include-caches --max-file-size',
  backup: '--all --dry-run --description',
  'restore-point list': '--policy --since --limit --include-retired',
  'restore-point files': '--recursive',
  'restore-point dump': '--format',
  'restore-point diff': '--with-source',
  'restore-point verify': '--read-data',
  restore: '--target --in-place --path --conflict --dry-run',
  'import-stored': '--location-spec --installation --at --passkey --passphrase-file',
  'audit list': '--limit',
  'audit verify': '--head',
  'action cancel': '--follow',
};
const flagsOfAll = '--state --json --quiet --no-progress --yes --no-wait --step-up-file --help';

/** Some at a time: a machine has few cores, and each call is a process. */
async function forEach<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += 4) await Promise.all(items.slice(at, at + 4).map(work));
}

describe('holdfast: what can be typed', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  before(async () => {
    scratch = new ScratchState();
    await scratch.setUp();
  });
  after(() => scratch[Symbol.asyncDispose]());

  it('shows help for every verb, with its flags, those of all verbs and an example, exit 0, asking no daemon', async () => {
    await using fresh = new ScratchState();
    await forEach(verbs, async (verb) => {
      const { status, stdout, stderr } = await runCli([...verb.split(' '), '--help'], { state: fresh.state });
      assert.deepEqual([status, stderr], [0, ''], verb);
      assert.match(
        stdout,
        new RegExp(
          `^Usage: holdfast ${verb
            .split(' ')
            .map((word) => `${word}\\S*`)
            .join(' ')} `,
        ),
        verb,
      );
      for (const flag of [...(flagsOf[verb]?.split(' ') ?? []), ...flagsOfAll.split(' ')])
        assert.match(stdout, new RegExp(`^  (?:-h, )?${flag}[ \\n]`, 'm'), `${verb} ${flag}`);
      assert.match(stdout, new RegExp(`\\nExamples:\\n(?:.*\\n)*.*holdfast ${verb}`), verb);
      const [explained = ''] = stdout.split('\nExamples:\n');
      for (const line of explained.split('\n')) assert.ok(line.length <= 80, `${verb}: ${line}`);
    });
    assert.equal(fresh.daemonPid(), undefined);
  });

  it('shows all verbs and the first steps with --help, and short names as their long ones', async () => {
    const { stdout } = await scratch.cli(['--help']);
    for (const verb of verbs) assert.match(stdout, new RegExp(verb.split(' ')[0] ?? ''));
    for (const verb of ['location', 'restore-point', 'passkey', 'policy', 'action']) {
      const words = verbs.filter((each) => each.startsWith(`${verb} `)).map((each) => each.split(' ')[1] ?? '');
      const group = await scratch.cli([verb, '--help']);
      for (const word of words) assert.match(group.stdout, new RegExp(`^  ${word}\\b`, 'm'));
    }
    const outputs = await Promise.all(['rp', 'restore-point'].map((name) => scratch.cli([name, 'list', '--help'])));
    assert.equal(outputs[0]?.stdout, outputs[1]?.stdout);
    assert.deepEqual((await scratch.cli(['help', 'loc', 'list'])).stdout, (await scratch.cli(['location', 'list', '--help'])).stdout);
  });

  it('says what is missing where no verb is given, exit 2', async () => {
    for (const args of [[], ['passkey'], ['passkey', 'add'], ['rp']]) {
      const error = await refused(scratch, args, 2, 'usage');
      assert.match(error.message, /a verb is missing/);
    }
  });

  it('prints with --json one document, on standard output alone', async () => {
    for (const line of ['status', 'passkey list', 'location list', 'policy list', 'restore-point list', 'action list', 'log', 'version']) {
      const result = await scratch.cli([...line.split(' '), '--json']);
      assert.equal(result.status, 0, line);
      assert.notEqual(result.json, undefined, line);
      assert.equal(result.stderr, '', line);
    }
  });

  it('prints errors for people on standard error: one sentence and one way out', async () => {
    const result = await scratch.cli(['policy', 'show', 'nothing']);
    assert.equal(result.status, 2);
    assert.equal(result.stdout, '');
    assert.equal(result.stderr.trim().split('\n').length, 2, result.stderr);
  });

  it('answers exit 2, "not in this version", to every verb of a later one', async () => {
    const one = async (line: string): Promise<void> => {
      const error = await refused(scratch, line.split(' '), 2, 'notInThisVersion');
      assert.match(error.message, /not in this version/, line);
    };
    for (let at = 0; at < laterVerbs.length; at += 4) await Promise.all(laterVerbs.slice(at, at + 4).map(one));
  });

  it('answers exit 2 to calls that are wrong, and says what was meant', async () => {
    const wrong = async (line: string, pattern: RegExp): Promise<void> => {
      const result = await scratch.cli(line.split(' '));
      assert.equal(result.status, 2, line);
      assert.match(result.stderr, pattern, line);
    };
    await wrong('stauts', /Did you mean status\?/);
    await wrong('location lst', /Did you mean list\?/);
    await wrong('rp fils latest', /Did you mean files\?/);
    await wrong('backup', /policy is missing/);
    await wrong('backup files --all', /exclude each other/);
    await wrong('restore latest', /where to/);
    await wrong('restore latest --target /tmp/x --in-place', /exclude each other/);
    await wrong('restore latest --target /tmp/x --conflict burn', /conflict/);
    await wrong('restore-point list --limit none', /--limit/);
    await wrong('restore-point list --since yesterdayish', /--since/);
    await wrong('restore-point dump latest --format zip', /format/);
    await wrong('policy create only --location store', /--source/);
    await wrong('policy create a@b --source / --location store', /name/);
    await wrong('policy edit files', /nothing to change/);
    await wrong('status --nonsense', /nonsense/);
    await wrong('completion ksh', /shell/);
    await refused(scratch, ['status', '--nonsense'], 2, 'usage');
  });

  it('prints completion scripts that their shells take', async function () {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const result = await scratch.cli(['completion', shell]);
      assert.equal(result.status, 0);
      assert.match(result.stdout, /restore-point/);
      const file = path.join(scratch.folder, `completion.${shell}`);
      writeFileSync(file, result.stdout);
      const checked = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
      if (checked.error === undefined) assert.equal(checked.status, 0, checked.stderr);
    }
    const document = await scratch.json(z.looseObject({ shell: z.string(), script: z.string() }), ['completion', 'bash']);
    assert.equal(document.shell, 'bash');
    // Bash is asked for real: it completes a verb.
    const asked = spawnSync(
      'bash',
      [
        '-c',
        `source ${path.join(scratch.folder, 'completion.bash')}; COMP_WORDS=(holdfast restore-p); COMP_CWORD=1; _holdfast; echo "\${COMPREPLY[@]}"`,
      ],
      { encoding: 'utf8' },
    );
    if (asked.error === undefined) assert.match(asked.stdout, /restore-point/, asked.stderr);
  });
});
