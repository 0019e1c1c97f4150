import type { HelpConfiguration } from 'commander';
import type { Example } from './grammar/verb.ts';
import type { Style } from './output/style.ts';

/** How the help looks: flags that are global are named too, titles stand out on a terminal. */
export function helpConfiguration(style: Style): HelpConfiguration {
  return {
    showGlobalOptions: true,
    styleTitle: (text) => style.bold(text),
    subcommandTerm: (command) => {
      const aliases = command
        .aliases()
        .map((alias) => `, ${alias}`)
        .join('');
      const needs = command.registeredArguments.map((argument) => (argument.required ? argument.name() : `[${argument.name()}]`)).join(' ');
      return `${command.name()}${aliases}${needs === '' ? '' : ` ${needs}`}`;
    },
  };
}

/** The examples below a verb's help, each with what it is for behind it. */
export function notesOf(examples: readonly Example[], style: Style): string {
  const lines = examples.map(({ command, about }) => `  ${command}${about === '' ? '' : style.dim(`  # ${about}`)}`);
  return `\n${style.bold('Examples:')}\n${lines.join('\n')}`;
}
