const hidden = '<path>';
const hiddenCommand = '<command>';
const hiddenText = '<text>';
const depthLimit = 8;

/** Members of log lines that hold what a command of the user's was or said. */
const ofCommands = /command|hook|output|stderr|standarderror/i;
const sentences = new Set(['message', 'reason', 'problem', 'fix']);
const plainWord = /^(?:[A-Za-z]{1,40}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9TZ:.+-]{1,40})$/;

export interface ScrubberOptions {
  readonly withPaths: boolean;
  /** Command lines that are known: taken out of every text, wherever they stand. */
  readonly commands: readonly string[];
}

/** Takes out of a diagnostics document what is nobody's business. */
export class Scrubber {
  readonly #withPaths: boolean;
  readonly #commands: readonly string[];

  constructor({ withPaths, commands }: ScrubberOptions) {
    this.#withPaths = withPaths;
    // The longest first: one may be a part of another.
    this.#commands = commands.filter((command) => command.trim() !== '').toSorted((a, b) => b.length - a.length);
  }

  /** A sentence. From the first thing that could be a path to the last colon nothing stays: names may hold spaces and colons. */
  sentence(text: string): string {
    const clean = this.#withoutCommands(text);
    if (this.#withPaths) return clean;
    const at = clean.search(/\S*[/\\]/);
    if (at < 0) return clean;
    const rest = clean.slice(at);
    const colon = rest.lastIndexOf(': ');
    const tail = colon < 0 ? '' : rest.slice(colon);
    return `${clean.slice(0, at)}${hidden}${/[/\\]/.test(tail) ? '' : tail}`;
  }

  /** A value of a log line: numbers, truth values, ids, times and single words stay. */
  facts(value: unknown, name = '', depth = 0): unknown {
    if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
    if (ofCommands.test(name)) return hiddenCommand;
    if (typeof value === 'string') return this.#text(value, name);
    if (typeof value !== 'object' || depth >= depthLimit) return hiddenText;
    if (Array.isArray(value)) return value.map((item) => this.facts(item, name, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, this.facts(inner, member, depth + 1)]));
  }

  #text(text: string, name: string): string {
    if (this.#withPaths) return this.#withoutCommands(text);
    if (sentences.has(name)) return this.sentence(text);
    return plainWord.test(text) ? this.#withoutCommands(text) : hiddenText;
  }

  #withoutCommands(text: string): string {
    return this.#commands.reduce((clean, command) => clean.replaceAll(command, hiddenCommand), text);
  }
}
