const mostLines = 20;
const mostCharacters = 200;

/** Of a window that closes: it gives up reading its own settings, and says so in many lines that would be the last. */
const closing = /\bCanceled\b/;

/** The lines of a log of the workbench that tell why something ended badly: its errors, and what names the extension. The last 20, cut at 200 characters. */
export function tellingLines(log: string): readonly string[] {
  return log
    .split(/\r?\n/)
    .filter((line) => (line.startsWith('error') || /holdfast/i.test(line)) && !closing.test(line))
    .slice(-mostLines)
    .map((line) => line.slice(0, mostCharacters));
}
