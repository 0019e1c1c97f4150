/** The most of what a program said that fits into a sentence. */
const longestReason = 300;

/** A script can't go on, and its message says all that the user needs: no stack, exit status 1. */
export class ScriptFailed extends Error {
  override readonly name = 'ScriptFailed';

  /**
   * @param step what was tried, as a clause: `pack the extension`
   * @param output what the program said; all of it becomes the cause, its last line the reason
   */
  constructor(step: string, output: string) {
    const said = output
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
    const reason = (said.findLast((line) => /error|failed/i.test(line)) ?? said.at(-1) ?? 'it said nothing').slice(0, longestReason);
    super(`Failed to ${step}: ${reason.replace(/\.$/, '')}.`, { cause: output });
  }
}
