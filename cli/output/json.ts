// What JSON.stringify leaves as it is and a terminal may act upon: DEL, C1 and what turns the direction of writing.
const unsafe = /[\u007f-\u009f\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** One JSON document that may be shown on a terminal: everything there that is no plain text is escaped as JSON has it. */
export function jsonText(document: unknown, indent = 0): string {
  return JSON.stringify(document, null, indent).replace(
    unsafe,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
