import { globalFlags } from './grammar/globalFlags.ts';
import { families, verbs } from './grammar/index.ts';
import type { Flag } from './grammar/verb.ts';

/** One word of the tree of verbs: what may follow it. */
interface Place {
  /** Words typed so far, aliases too; `''` is the root. */
  readonly path: string;
  /** Words with what they do. */
  readonly words: ReadonlyMap<string, string>;
  readonly flags: readonly Flag[];
}

/** By shell: a script that completes verbs and flags. It calls nothing, so completing is quick and asks no daemon. */
export const completionScripts: Readonly<Record<string, () => string>> = { bash, zsh, fish };

function places(): readonly Place[] {
  const groups = families
    .flatMap((family) => family.groups)
    .filter((group) => verbs.some((verb) => verb.path.startsWith(`${group.path} `)));
  const summaries = new Map([...groups, ...verbs].map(({ path, summary }) => [path, summary]));
  const aliases = new Map(groups.flatMap((group) => (group.alias === undefined ? [] : [[group.path, group.alias] as const])));
  const groupPlaces = ['', ...groups.map((group) => group.path)].map((path) => {
    const words = new Map<string, string>();
    for (const [child, summary] of summaries) {
      const parent = child.split(' ').slice(0, -1).join(' ');
      if (parent !== path) continue;
      words.set(child.split(' ').at(-1) ?? '', summary);
      const alias = aliases.get(child);
      if (alias !== undefined) words.set(alias, summary);
    }
    return { path, words, flags: [] };
  });
  const verbPlaces = verbs.map((verb) => ({
    path: verb.path,
    words: new Map(verb.path === 'completion' ? ['bash', 'zsh', 'fish'].map((shell) => [shell, `for ${shell}`]) : []),
    flags: (verb.flags ?? []).filter((flag) => flag.isLater !== true),
  }));
  const all: Place[] = [...groupPlaces, ...verbPlaces];
  return all.flatMap((place) => [place, ...aliasesOf(place, aliases)]);
}

/** The same place reached by its group's short name. */
function aliasesOf(place: Place, aliases: ReadonlyMap<string, string>): readonly Place[] {
  const [first = '', ...rest] = place.path.split(' ');
  const alias = aliases.get(first);
  return alias === undefined ? [] : [{ ...place, path: [alias, ...rest].join(' ') }];
}

function flagWords(flags: readonly Flag[]): string[] {
  return flags.flatMap(({ flag, isNegatable, isOnByDefault }) => {
    const negation = flag.replace('--', '--no-');
    if (isNegatable !== true) return [flag];
    return isOnByDefault === true ? [negation] : [flag, negation];
  });
}

/** Flags whose value is a file or folder. */
function takesPath(flag: Flag): boolean {
  return flag.value === 'F' || flag.value === 'DIR';
}

function bash(): string {
  const all = places();
  const cases = all.map(({ path, words, flags }) => `    '${path}') words='${[...words.keys(), ...flagWords(flags)].join(' ')}' ;;`);
  const withValue = [...globalFlags, ...all.flatMap((place) => place.flags)].filter((flag) => flag.value !== undefined);
  const valueFlags = [...new Set(withValue.map((flag) => flag.flag))];
  const pathFlags = [...new Set(withValue.filter(takesPath).map((flag) => flag.flag))];
  return `# holdfast completion for bash
_holdfast() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' word words='' i
  case "$previous" in
    ${pathFlags.join('|')}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
      ${valueFlags.join('|')}) ((i++)); continue ;;
      -*) continue ;;
    esac
    case " ${all
      .map(({ path }) => path)
      .filter((path) => path !== '')
      .map((path) => path.replaceAll(' ', '/'))
      .join(' ')} " in
      *" \${path:+\${path// //}/}$word "*) path="\${path:+$path }$word" ;;
      *) break ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words ${flagWords(globalFlags).join(' ')} --help" -- "$current"))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _holdfast holdfast
`;
}

/** For single quotes of zsh and fish, and without the colon that zsh divides by. */
function zshText(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
}

function zsh(): string {
  const all = places();
  const cases = all.map(({ path, words, flags }) => {
    const described = [...[...words].map(([word, about]) => `'${zshText(word)}:${zshText(about)}'`), ...flagLines(flags)];
    return `    '${path}') candidates=(${described.join(' ')}) ;;`;
  });
  const known = all.map(({ path }) => path).filter((path) => path !== '');
  return `#compdef holdfast
# holdfast completion for zsh
_holdfast() {
  local place='' word next i
  local -a candidates known
  known=(${known.map((path) => `'${path}'`).join(' ')})
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    [[ "$word" == -* ]] && continue
    next="\${place:+$place }$word"
    if (( \${known[(Ie)$next]} )); then place="$next"; else break; fi
  done
  case "$place" in
${cases.join('\n')}
  esac
  candidates+=(${[...flagLines(globalFlags), "'--help:show the help'"].join(' ')})
  _describe 'holdfast' candidates
  _files
}
if [ "$funcstack[1]" = "_holdfast" ]; then _holdfast "$@"; else compdef _holdfast holdfast; fi
`;
}

function flagLines(flags: readonly Flag[]): string[] {
  return flags.flatMap((flag) => flagWords([flag]).map((word) => `'${word}:${zshText(flag.about)}'`));
}

function fishText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
}

function fish(): string {
  const lines = places().flatMap(({ path, words, flags }) => {
    const condition = `-n '__holdfast_at ${path === '' ? '""' : `"${path}"`}'`;
    return [
      ...[...words].map(([word, about]) => `complete -c holdfast -f ${condition} -a '${word}' -d '${fishText(about)}'`),
      ...flags.flatMap((flag) => fishFlags(flag, condition)),
    ];
  });
  const known = places()
    .map(({ path }) => path)
    .filter((path) => path !== '')
    .map((path) => `'${path}'`);
  return `# holdfast completion for fish
function __holdfast_at
  set -l place ''
  set -l known ${known.join(' ')}
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; and continue
    set -l next (string trim -- "$place $word")
    contains -- $next $known; or break
    set place $next
  end
  test "$place" = "$argv[1]"
end
${globalFlags.flatMap((flag) => fishFlags(flag, '')).join('\n')}
${lines.join('\n')}
`;
}

function fishFlags(flag: Flag, condition: string): string[] {
  return flagWords([flag]).map((word) => {
    const value = flag.value === undefined ? '' : takesPath(flag) ? ' -r -F' : ' -x';
    return `complete -c holdfast ${condition} -l '${word.slice(2)}'${value} -d '${fishText(flag.about)}'`.replace(
      'holdfast  ',
      'holdfast ',
    );
  });
}
