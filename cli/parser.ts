import { Argument, Command, CommanderError, Option } from 'commander';
import { HoldfastError } from '../protocol/errors.ts';
import { programVersion } from '../protocol/version.ts';
import { Call } from './call.ts';
import type { GlobalFlags } from './globals.ts';
import { globalFlags } from './grammar/globalFlags.ts';
import { families } from './grammar/index.ts';
import type { Family, Flag, Verb } from './grammar/verb.ts';
import { helpConfiguration, notesOf } from './help.ts';
import { clipped, escaped } from '../client/shown/text.ts';
import type { Style } from './output/style.ts';

/** What a command line comes to. */
export type Parsed =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'call'; readonly call: Call; readonly globals: GlobalFlags };

export interface ParserInputs {
  readonly columns: number;
  readonly style: Style;
}

/** Reads a command line, without the program's own name. Throws `usage`, `badValue` and `notInThisVersion`. */
export function parse(args: readonly string[], inputs: ParserInputs): Parsed {
  const help: string[] = [];
  let parsed: Parsed | undefined;
  const program = rootCommand(inputs, (text) => help.push(text));
  for (const family of families) {
    addFamily(
      {
        program,
        style: inputs.style,
        onCall: (call, command) => {
          parsed = { kind: 'call', call, globals: globalsOf(command) };
        },
      },
      family,
    );
  }
  try {
    program.parse(withHelpFlag(program, args), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'help', text: help.join('') };
    throw usageError(error, program, args);
  }
  if (parsed === undefined) throw new HoldfastError('usage', 'Failed to run holdfast: no verb was given.', { fix: 'Run holdfast --help.' });
  return parsed;
}

/** Whether errors are to be printed as JSON, for command lines that can't be read. */
export function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
}

function rootCommand(inputs: ParserInputs, onHelp: (text: string) => void): Command {
  const program = new Command('holdfast')
    .summary('encrypted, deduplicated backups')
    .description('Takes encrypted, deduplicated backups of what you work on, and gives them back as they were.')
    .version(`holdfast ${programVersion}`)
    .addHelpCommand(
      new Command('help')
        .argument('[verb...]')
        .summary('show the help of a verb')
        .helpGroup(`${families[0]?.heading ?? ''}:`),
    )
    .exitOverride()
    .configureOutput({
      writeOut: onHelp,
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: () => inputs.columns,
      getErrHelpWidth: () => inputs.columns,
      // Styles are made here already, or not at all.
      getOutHasColors: () => true,
      getErrHasColors: () => true,
    })
    .configureHelp(helpConfiguration(inputs.style))
    .addHelpText('after', notesOf([{ command: 'holdfast init', about: 'set up' }, ...firstSteps], inputs.style));
  for (const flag of globalFlags) addFlag(program, flag);
  return program;
}

const firstSteps = [
  { command: 'holdfast location add filesystem disk --path /mnt/backup', about: 'where backups go' },
  { command: 'holdfast policy create work --source ~/work --location disk', about: 'what to protect' },
  { command: 'holdfast backup work', about: '' },
  { command: 'holdfast restore latest --target ~/restored', about: '' },
];

interface Building {
  readonly program: Command;
  readonly style: Style;
  readonly onCall: (call: Call, command: Command) => void;
}

function addFamily(building: Building, family: Family): void {
  const { program } = building;
  program.commandsGroup(`${family.heading}:`);
  for (const group of family.groups) {
    const words = wordsBehind(group.path, family);
    const command = commandAt(program, group.path, words.length === 0);
    command.summary(`${group.summary}: ${words.join(', ')}`).description(`${capitalised(group.summary)}.`);
    command.helpCommand(false);
    if (group.alias !== undefined) command.alias(group.alias);
    // A group without a verb of this version is known, so that it can say so, but not shown.
    if (words.length === 0) answerLater(command, group.path);
  }
  for (const verb of family.verbs) addVerb(building, verb);
  for (const path of family.later) {
    answerLater(commandAt(program, path, true).summary('not in this version').description('Not in this version.'), path);
  }
}

/** The words that may follow a group's, in this version. */
function wordsBehind(group: string, family: Family): readonly string[] {
  const start = `${group} `;
  const behind = family.verbs
    .filter((verb) => verb.path.startsWith(start))
    .map((verb) => verb.path.slice(start.length).split(' ')[0] ?? '');
  return [...new Set(behind)];
}

function addVerb({ program, style, onCall }: Building, verb: Verb): void {
  const command = commandAt(program, verb.path, false)
    .summary(verb.summary)
    .description(verb.description === undefined ? `${capitalised(verb.summary)}.` : `${capitalised(verb.summary)}.\n${verb.description}`)
    .addHelpText('after', notesOf(verb.examples, style));
  for (const argument of verb.arguments ?? []) {
    const name = `${argument.name}${argument.isVariadic === true ? '...' : ''}`;
    command.addArgument(new Argument(argument.isOptional === true ? `[${name}]` : `<${name}>`, argument.about));
  }
  for (const flag of verb.flags ?? []) addFlag(command, flag);
  command.action((...values: readonly unknown[]) => {
    const args = values.slice(0, verb.arguments?.length ?? 0).map((value) => (Array.isArray(value) ? value.map(String) : asText(value)));
    const flags: Readonly<Record<string, unknown>> = command.opts();
    const call = new Call(verb, args, flags);
    checkFlags(call);
    onCall(call, command);
  });
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function checkFlags(call: Call): void {
  for (const flag of call.verb.flags ?? []) {
    if (flag.isLater === true && call.isGiven(flag.flag)) {
      throw new HoldfastError('notInThisVersion', `Failed to run holdfast ${call.verb.path}: ${flag.flag} is not in this version.`, {
        fix: `Leave ${flag.flag} out.`,
      });
    }
  }
  for (const flag of call.verb.flags ?? []) {
    if (flag.isRequired === true && !call.isGiven(flag.flag))
      throw call.problem(`${flag.flag} ${flag.value ?? ''} is missing`.replace('  ', ' '));
  }
}

/** Takes whatever is typed behind it, and says that it is not in this version. */
function answerLater(command: Command, path: string): void {
  command
    .argument('[words...]')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new HoldfastError('notInThisVersion', `Failed to run holdfast ${path}: it is not in this version.`, {
        fix: 'Run holdfast --help for what there is.',
      });
    });
}

/** The command of a path; its parents are there already. */
function commandAt(program: Command, path: string, hidden: boolean): Command {
  const words = path.split(' ');
  const name = words.pop() ?? '';
  const parent = words.reduce((command, word) => {
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (child === undefined) throw new RangeError(`the grammar has no group for ${path}`);
    return child;
  }, program);
  return parent.command(name, { hidden });
}

function addFlag(command: Command, flag: Flag): void {
  const value = flag.value === undefined ? '' : ` <${flag.value}${flag.isRepeatable === true ? '...' : ''}>`;
  const positive = new Option(`${flag.flag}${value}`, flag.about);
  if (flag.choices !== undefined) positive.choices([...flag.choices]);
  positive.hideHelp(flag.isLater === true || flag.isOnByDefault === true);
  command.addOption(positive);
  if (flag.isNegatable !== true) return;
  const about = flag.isOnByDefault === true ? flag.about : `not so: ${flag.about}`;
  command.addOption(new Option(flag.flag.replace('--', '--no-'), about).hideHelp(flag.isLater === true || flag.isOnByDefault !== true));
}

function globalsOf(command: Command): GlobalFlags {
  const values: Readonly<Record<string, unknown>> = command.optsWithGlobals();
  return {
    state: asText(values['state']),
    json: values['json'] === true,
    quiet: values['quiet'] === true,
    progress: values['progress'] !== false,
    color: typeof values['color'] === 'boolean' ? values['color'] : undefined,
    yes: values['yes'] === true,
    wait: values['wait'] !== false,
    stepUpFile: asText(values['stepUpFile']),
  };
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** `help location list` as `location list --help`: Commander's own help command shows the first word's only. */
function withHelpFlag(program: Command, args: readonly string[]): string[] {
  const [first, ...words] = args;
  const isKnown = first === 'help' && pathOf(program, words).split(' ').length === words.length + 1;
  return isKnown ? [...words, '--help'] : [...args];
}

/** Commander's complaint as a sentence of ours and a way out. */
function usageError(error: CommanderError, program: Command, args: readonly string[]): HoldfastError {
  const unknown = /^error: unknown command '(.*?)'/.exec(error.message)?.[1];
  // What is typed behind an unknown word is none of its verbs, whatever it is called.
  const path = pathOf(program, unknown === undefined ? args : args.slice(0, args.indexOf(unknown)));
  const help = `Run ${path} --help.`;
  if (error.code === 'commander.help') {
    return new HoldfastError('usage', `Failed to run ${path}: a verb is missing.`, { fix: help });
  }
  const [sentence = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n(');
  const cause = clipped(escaped(sentence), 400).replace(/\.$/, '');
  const didYouMean = /^Did you mean (.*)\?\)$/.exec(suggestion)?.[1];
  return new HoldfastError('usage', `Failed to run ${path}: ${cause}.`, {
    fix: didYouMean === undefined ? help : `Did you mean ${escaped(didYouMean)}?`,
  });
}

/** The longest run of words that name a command. */
function pathOf(program: Command, args: readonly string[]): string {
  let command = program;
  const words = ['holdfast'];
  for (const arg of args) {
    const child = command.commands.find((candidate) => candidate.name() === arg || candidate.aliases().includes(arg));
    if (child === undefined) continue;
    command = child;
    words.push(child.name());
  }
  return words.join(' ');
}
