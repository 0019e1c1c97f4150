import { HoldfastError } from '../protocol/errors.ts';
import type { Verb } from './grammar/verb.ts';

function camelCase(flag: string): string {
  return flag.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** What was typed for one verb: its arguments and flags by their names, typed. */
export class Call {
  readonly verb: Verb;
  readonly #arguments: readonly (string | readonly string[] | undefined)[];
  readonly #flags: Readonly<Record<string, unknown>>;

  constructor(verb: Verb, args: readonly (string | readonly string[] | undefined)[], flags: Readonly<Record<string, unknown>>) {
    this.verb = verb;
    this.#arguments = args;
    this.#flags = flags;
  }

  /** An argument that must be there. */
  argument(name: string): string {
    const value = this.optionalArgument(name);
    if (value === undefined) throw this.problem(`${name} is missing`);
    return value;
  }

  optionalArgument(name: string): string | undefined {
    const value = this.#arguments[this.#indexOf(name)];
    return typeof value === 'string' ? value : undefined;
  }

  /** All values of a variadic argument. */
  arguments(name: string): readonly string[] {
    const value = this.#arguments[this.#indexOf(name)];
    return Array.isArray(value) ? value.map(String) : [];
  }

  text(flag: string): string | undefined {
    const value = this.#flags[camelCase(flag)];
    return typeof value === 'string' ? value : undefined;
  }

  requiredText(flag: string): string {
    const value = this.text(flag);
    if (value === undefined) throw this.problem(`${flag} is missing`);
    return value;
  }

  /** All values of a repeatable flag; `undefined` where it was not given. */
  texts(flag: string): readonly string[] | undefined {
    const value = this.#flags[camelCase(flag)];
    return Array.isArray(value) ? value.map(String) : undefined;
  }

  isOn(flag: string): boolean {
    return this.#flags[camelCase(flag)] === true;
  }

  /** A switch that can be turned off too; `undefined` where nothing was said. */
  toggle(flag: string): boolean | undefined {
    const value = this.#flags[camelCase(flag)];
    return typeof value === 'boolean' ? value : undefined;
  }

  isGiven(flag: string): boolean {
    return this.#flags[camelCase(flag)] !== undefined;
  }

  /** A call that is wrong, as an error with the way to the help. */
  problem(cause: string, fix: string = this.helpHint): HoldfastError {
    return new HoldfastError('usage', `Failed to run holdfast ${this.verb.path}: ${cause}.`, { fix });
  }

  get helpHint(): string {
    return `Run holdfast ${this.verb.path} --help.`;
  }

  #indexOf(name: string): number {
    const index = (this.verb.arguments ?? []).findIndex((argument) => argument.name === name);
    if (index === -1) throw new RangeError(`${this.verb.path} has no argument ${name}`);
    return index;
  }
}
