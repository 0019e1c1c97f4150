/** Text that others wrote (names of files, answers) made fit for a terminal. */

import { shellWord as wordOfShell } from '../../protocol/wording.ts';

// Controls, the line ends that terminals also know, and what turns the direction of writing.
const unsafe = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;

const shortForms: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text with every character that could move the cursor, start an escape or turn the writing shown as an escape of its own. */
export function escaped(text: string): string {
  return text.replace(unsafe, (character) => {
    const short = shortForms[character];
    if (short !== undefined) return short;
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** At most `limit` columns, and no more characters than that; the middle gives way. */
export function clipped(text: string, limit: number): string {
  if (text.length <= limit && columnsOf(text) <= limit) return text;
  const head = start(text.slice(0, limit), Math.ceil((limit - 1) / 2));
  const tail = start(reversed(text.slice(-limit)), limit - 1 - Math.ceil((limit - 1) / 2));
  return `${head}…${reversed(tail)}`;
}

/** As many whole characters from the start as fit; one of no columns takes one here, so that a heap of marks ends too. */
function start(text: string, columns: number): string {
  let taken = '';
  let left = columns;
  for (const character of text) {
    left -= Math.max(1, columnsOf(character));
    if (left < 0) break;
    taken += character;
  }
  return taken.toWellFormed();
}

function reversed(text: string): string {
  return Array.from(text).toReversed().join('');
}

/** A value inside a sentence: escaped, short and in quotation marks. */
export function quoted(text: string): string {
  return `"${clipped(escaped(text), 80)}"`;
}

/** A name that others wrote as a word of a command to be typed. */
export function shellWord(text: string): string {
  return wordOfShell(escaped(text));
}

const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60\uffe0-\uffe6\u3000-\u303f]/u;
const zero = /[\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}]/u;

/** Columns that a text takes on a terminal, near enough for a table. Style sequences take none. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of withoutStyles(text)) {
    if (character < '\u0300') columns += 1;
    else if (!zero.test(character)) columns += wide.test(character) ? 2 : 1;
  }
  return columns;
}

function withoutStyles(text: string): string {
  // oxlint and people alike stumble over a raw ESC in a pattern.
  return text.includes('\u001b')
    ? text
        .split('\u001b')
        .map((part, index) => (index === 0 ? part : part.replace(/^\[[\d;]*m/, '')))
        .join('')
    : text;
}
