import assert from 'node:assert/strict';
import { families, verbs } from '../../../cli/grammar/index.ts';
import type { Flag, Verb } from '../../../cli/grammar/verb.ts';
import { noStyle } from '../../../cli/output/style.ts';
import { type Parsed, parse, wantsJson } from '../../../cli/parser.ts';
import { loaders } from '../../../cli/verbs/index.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { verbs as contract } from '../../support/verbs.ts';

function parsed(args: readonly string[]): Parsed {
  return parse(args, { columns: 100, style: noStyle });
}

function called(args: readonly string[]): Extract<Parsed, { kind: 'call' }> {
  const result = parsed(args);
  assert.equal(result.kind, 'call', args.join(' '));
  return result;
}

function refused(args: readonly string[]): HoldfastError {
  try {
    parsed(args);
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error));
    assert.equal(error.exitStatus, 2, error.message);
    assert.match(error.message, /^Failed to run holdfast[^\n]*\.$/);
    assert.ok(error.fix !== undefined && error.fix.length > 0, error.message);
    return error;
  }
  throw new assert.AssertionError({ message: `${args.join(' ')} was taken` });
}

/** The least that a verb takes: every argument, every flag that must be given. */
function least(verb: Verb): string[] {
  const args = (verb.arguments ?? []).map((argument) => argument.name.toLowerCase());
  const flags = (verb.flags ?? []).filter((flag) => flag.isRequired === true).flatMap((flag) => [flag.flag, valueOf(flag)]);
  return [...verb.path.split(' '), ...args, ...flags];
}

function valueOf(flag: Flag): string {
  return flag.choices?.[0] ?? 'value';
}

/** The words of an example up to a pipe, without quotes. */
function wordsOf(command: string): string[] {
  const mine = /(?:^|[|(] ?)holdfast ([^|)>]*)/.exec(command)?.[1] ?? '';
  return [...mine.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}

describe('cli parser', () => {
  it('has exactly the verbs of the contract, each with something to do', () => {
    assert.deepEqual(verbs.map((verb) => verb.path).toSorted(), [...contract].toSorted());
    assert.deepEqual(Object.keys(loaders).toSorted(), [...contract].toSorted());
  });

  for (const verb of verbs) {
    it(`reads "${verb.path}" with each of its flags`, () => {
      assert.equal(called(least(verb)).call.verb.path, verb.path);
      for (const flag of verb.flags ?? []) {
        const args = [...least(verb), flag.flag, ...(flag.value === undefined ? [] : [valueOf(flag)])];
        if (flag.isLater === true) {
          assert.equal(refused(args).code, 'notInThisVersion', flag.flag);
          continue;
        }
        const { call } = called(args);
        assert.ok(call.isGiven(flag.flag), flag.flag);
        if (flag.isRepeatable === true) assert.deepEqual(call.texts(flag.flag), ['value']);
        else if (flag.value === undefined) assert.equal(call.isOn(flag.flag), true);
        else assert.equal(call.text(flag.flag), valueOf(flag));
        if (flag.isNegatable === true) {
          assert.equal(called([...least(verb), flag.flag.replace('--', '--no-')]).call.toggle(flag.flag), false);
        }
      }
      assert.equal(called(least(verb)).call.isGiven('--none'), false);
    });

    it(`refuses "${verb.path}" without what it needs, and with too much`, () => {
      const needed = (verb.arguments ?? []).filter((argument) => argument.isOptional !== true);
      if (needed.length > 0) assert.equal(refused(verb.path.split(' ')).code, 'usage');
      for (const flag of (verb.flags ?? []).filter((each) => each.isRequired === true)) {
        const args = least(verb);
        args.splice(args.indexOf(flag.flag), 2);
        assert.match(refused(args).message, new RegExp(`${flag.flag} .*missing`));
      }
      assert.equal(refused([...least(verb), '--nonsense']).code, 'usage');
      if (!(verb.arguments ?? []).some((argument) => argument.isVariadic === true)) {
        assert.equal(refused([...least(verb), 'one', 'more', 'than', 'needed']).code, 'usage');
      }
    });

    it(`has help for "${verb.path}", with examples that can be typed`, () => {
      const help = parsed([...verb.path.split(' '), '--help']);
      assert.equal(help.kind, 'help');
      assert.ok(verb.examples.length > 0);
      for (const { command } of verb.examples) {
        assert.ok(help.kind === 'help' && help.text.includes(command), command);
        assert.equal(called(wordsOf(command)).call.verb.path, verb.path, command);
      }
    });
  }

  for (const path of families.flatMap((family) => family.later)) {
    it(`answers "${path}" with "not in this version", whatever stands behind it`, () => {
      for (const rest of [
        [],
        ['NAME', '--key-id', 'x', '--region', 'y'],
        ['--json', '--expires-in', '30d', '--dry-run'],
        ['a', 'b', 'c', '--', '-x'],
      ]) {
        assert.equal(refused([...path.split(' '), ...rest]).code, 'notInThisVersion', rest.join(' '));
      }
    });
  }

  it('takes nothing that no version has for a verb of a later one, in a group that has some of both', () => {
    for (const words of [['dr'], ['dr', 'anything', '--x']]) assert.equal(refused(words).code, 'usage', words.join(' '));
  });

  it('takes the flags of every verb before and after the verb', () => {
    const expected = { state: '/s', json: true, quiet: true, progress: false, color: false, yes: true, wait: false, stepUpFile: '/f' };
    const flags = ['--state', '/s', '--json', '--quiet', '--no-progress', '--no-color', '--yes', '--no-wait', '--step-up-file', '/f'];
    assert.deepEqual(called([...flags, 'backup', 'work']).globals, expected);
    assert.deepEqual(called(['backup', ...flags, 'work']).globals, expected);
    assert.deepEqual(called(['backup', 'work', ...flags]).globals, expected);
    assert.deepEqual(called(['status']).globals, {
      state: undefined,
      json: false,
      quiet: false,
      progress: true,
      color: undefined,
      yes: false,
      wait: true,
      stepUpFile: undefined,
    });
    assert.equal(called(['status', '--wait', '--progress']).globals.wait, true);
  });

  it('takes values of a repeatable flag one by one and several at once', () => {
    const base = ['policy', 'create', 'work', '--location', 'disk'];
    assert.deepEqual(called([...base, '--source', 'a', '--source', 'b']).call.texts('--source'), ['a', 'b']);
    assert.deepEqual(called([...base, '--source', 'a', 'b', '--exclude', '*.o']).call.texts('--source'), ['a', 'b']);
  });

  it('knows the short names', () => {
    assert.equal(called(['rp', 'list']).call.verb.path, 'restore-point list');
    assert.equal(called(['loc', 'add', 'filesystem', 'disk', '--path', '/x']).call.verb.path, 'location add filesystem');
  });

  it('asks "did you mean" of a wrong verb, flag or word, and names the help otherwise', () => {
    assert.match(refused(['bakcup', 'work']).fix ?? '', /Did you mean backup\?/);
    assert.match(refused(['policy', 'craete']).fix ?? '', /Did you mean create\?/);
    assert.match(refused(['immutability', 'adit']).fix ?? '', /Did you mean audit\?/);
    assert.match(refused(['location', 'add', 's4', 'vault']).fix ?? '', /Did you mean s3\?/);
    assert.match(refused(['location', 'edit', 'vault', '--protection-perod', '30']).fix ?? '', /Did you mean --protection-period\?/);
    assert.match(refused(['rp', 'list', '--polcy', 'x']).fix ?? '', /Did you mean --policy\?/);
    assert.match(refused(['xyzzy']).fix ?? '', /holdfast --help/);
    assert.equal(refused(['catalog', 'backup']).message, "Failed to run holdfast: unknown command 'catalog'.");
    assert.match(refused(['policy', 'xyzzy']).fix ?? '', /holdfast policy --help/);
    assert.match(refused([]).fix ?? '', /holdfast --help/);
    assert.match(refused(['passkey']).fix ?? '', /holdfast passkey --help/);
    assert.match(refused(['passkey', 'add']).fix ?? '', /holdfast passkey add --help/);
    assert.match(refused(['restore', 'x', '--conflict', 'maybe']).message, /refuse, skip, overwrite, rename/);
  });

  it('M2: takes hostile words without repeating them whole or as they are', () => {
    for (const word of [
      'x'.repeat(10_000),
      '\u001b[2J\u0007',
      '../../etc',
      '__proto__',
      'constructor',
      'toString',
      '\ud800',
      '--__proto__',
    ]) {
      const error = refused([word]);
      assert.ok(error.message.length < 600, String(error.message.length));
      assert.doesNotMatch(error.message, /\p{Cc}/u);
      refused(['policy', 'show', 'a', word === '--__proto__' ? word : `--${word}`]);
    }
    assert.equal(called(['policy', 'show', '__proto__']).call.argument('NAME'), '__proto__');
  });

  it('sees that JSON is wanted in a command line that can not be read', () => {
    assert.equal(wantsJson(['xyzzy', '--json']), true);
    assert.equal(wantsJson(['xyzzy', '--', '--json']), false);
  });
});
