import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { verbs } from '../../../cli/grammar/index.ts';
import { noStyle } from '../../../cli/output/style.ts';
import { parse } from '../../../cli/parser.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

const root = path.dirname(path.dirname(path.dirname(import.meta.dirname)));
const pages: readonly string[] = [
  'README.md',
  ...readdirSync(path.join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

interface Documented {
  readonly place: string;
  readonly text: string;
  readonly isBlock: boolean;
}

/** What stands in a block of code line by line, and between backticks elsewhere. */
function codeOf(page: string): readonly Documented[] {
  const found: Documented[] = [];
  let isBlock = false;
  for (const [index, line] of readFileSync(path.join(root, page), 'utf8').split('\n').entries()) {
    const place = `${page}:${index + 1}`;
    if (line.trimStart().startsWith('```')) isBlock = !isBlock;
    else if (isBlock) found.push({ place, text: line, isBlock });
    else for (const [, text = ''] of line.matchAll(/`([^`]+)`/g)) found.push({ place, text, isBlock });
  }
  return found;
}

/**
 * The command lines of a text as a shell takes it apart: up to a pipe, a second command, a redirection or a comment, without quotes. One that offers values, as
 * `--kind a|b` does, is one for each.
 */
function commandLines(text: string): readonly (readonly string[])[] {
  return text.split(/ \| |; |&& |\$\(|\)| > |\s#.*$/).flatMap((piece) => {
    const [, line] = /^(?:\s*(?:\$ )?)holdfast (.+)$/.exec(piece) ?? [];
    const words = [...(line ?? '').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
      ([, double, single, bare]) => double ?? single ?? bare ?? '',
    );
    const offered = words.findIndex((word) => /^[\w-]+(?:\|[\w-]+)+$/.test(word));
    if (words.length === 0 || words[0] === '…') return [];
    return offered === -1 ? [words] : (words[offered] ?? '').split('|').map((word) => words.with(offered, word));
  });
}

/** A verb or a group by its name alone: what a sentence speaks of, and nobody types as it stands. */
function isName(args: readonly string[]): boolean {
  return verbs.some((verb) => `${verb.path} `.startsWith(`${args.join(' ')} `));
}

const documented = pages
  .flatMap(codeOf)
  .flatMap(({ place, text, isBlock }) => commandLines(text).map((args) => ({ place, args, isBlock })));

describe('commands in the documentation', () => {
  it('are found', () => {
    assert.ok(documented.length > 50, String(documented.length));
  });

  it('are taken by the real grammar', () => {
    const refused = documented.flatMap(({ place, args, isBlock }) => {
      if (!isBlock && isName(args)) return [];
      try {
        parse(args, { columns: 100, style: noStyle });
        return [];
      } catch (error) {
        if (!HoldfastError.is(error)) throw error;
        return [`${place}: holdfast ${args.join(' ')}: ${error.message}`];
      }
    });
    assert.deepEqual(refused, []);
  });
});
