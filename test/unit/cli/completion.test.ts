import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { completionScripts } from '../../../cli/completion.ts';
import { families, verbs } from '../../../cli/grammar/index.ts';
import { runWith } from './fakeHost.ts';

function script(shell: string): string {
  return completionScripts[shell]?.() ?? '';
}

/** What bash would offer at the end of these words. */
function offered(...words: readonly string[]): string[] {
  const program = `${script('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const result = spawnSync('bash', ['--norc', '--noprofile', '-c', program, 'bash', ...words], { encoding: 'utf8', cwd: '/' });
  assert.equal(result.status, 0, result.stderr);
  assert.equal(result.stderr, '');
  return result.stdout.split('\n').filter((line) => line !== '');
}

describe('cli completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`knows every verb and flag of this version in ${shell}, and none of a later one`, () => {
      const text = script(shell);
      for (const verb of verbs) {
        for (const word of verb.path.split(' ')) assert.ok(text.includes(word), `${word} in ${shell}`);
        for (const { flag, isLater, isOnByDefault } of verb.flags ?? []) {
          const written = (isOnByDefault === true ? flag.replace('--', '--no-') : flag).slice(shell === 'fish' ? 2 : 0);
          if (isLater !== true) assert.ok(text.includes(written), `${written} of ${verb.path} in ${shell}`);
        }
      }
      for (const later of families.flatMap((family) => family.later)) assert.ok(!text.includes(`'${later}'`), `${later} in ${shell}`);
      const words = new Set(verbs.flatMap((verb) => verb.path.split(' ')));
      // A flag of one verb may be a later one of another.
      for (const { flag, isLater } of verbs.flatMap((verb) => verb.flags ?? [])) if (isLater !== true) words.add(flag.slice(2));
      for (const { flag } of verbs.flatMap((verb) => verb.flags ?? []).filter(({ isLater }) => isLater === true)) {
        if (words.has(flag.slice(2))) continue;
        assert.ok(!text.includes(`${flag.slice(2)}'`), `${flag} in ${shell}`);
      }
    });
  }

  it('offers verbs, then their words, then their flags in bash', () => {
    assert.deepEqual(offered('holdfast', 'restore'), ['restore-point', 'restore']);
    assert.deepEqual(offered('holdfast', 'passkey', 'r'), ['rotate', 'retire']);
    assert.deepEqual(
      offered('holdfast', 'passkey', 'add', ''),
      ['passphrase', 'aws-kms', 'vault-transit', ...offered('holdfast', 'lock', '--')].toSorted(byFirst),
    );
    assert.ok(offered('holdfast', '--state', '/x', 'rp', 'list', '--inc').includes('--include-retired'));
    assert.ok(offered('holdfast', 'loc', 'add', 'filesystem', 'name', '--pa').includes('--path'));
    assert.deepEqual(offered('holdfast', 'loc', 'add', 's'), ['s3']);
    assert.deepEqual(offered('holdfast', 'location', 'add', 's3', 'vault', '--cred'), ['--credentials-file', '--credentials']);
    assert.deepEqual(offered('holdfast', 'immutability', 'a'), ['audit', 'absence']);
    assert.deepEqual(offered('holdfast', 'completion', 'b'), ['bash']);
  });

  it('is printed as it is, and refuses a shell that is not known', async () => {
    assert.equal((await runWith(['completion', 'fish'])).out.trimEnd(), script('fish').trimEnd());
    for (const shell of ['tcsh', 'constructor', '__proto__']) {
      const { status, err } = await runWith(['completion', shell]);
      assert.equal(status, 2);
      assert.match(err, /bash, zsh, fish/);
    }
  });
});

/** Words before flags, as the script has them. */
function byFirst(a: string, b: string): number {
  return Number(a.startsWith('-')) - Number(b.startsWith('-'));
}
