/** What has to be ended behind the last test of this process: servers that its tests share. */
class RunEndings {
  readonly #endings: (() => Promise<void>)[] = [];

  add(end: () => Promise<void>): void {
    this.#endings.push(end);
  }

  /** The last one first. */
  async run(): Promise<void> {
    for (let end = this.#endings.pop(); end !== undefined; end = this.#endings.pop()) await end();
  }
}

export const runEndings: RunEndings = new RunEndings();
