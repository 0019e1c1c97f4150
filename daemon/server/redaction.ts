import { KeyObject } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';

const withheld = '[withheld]';
const secretName = /pass(word|phrase)|secret|token|credential|private|proof|(^|[a-z_-])key$|^key$/i;
const depthLimit = 6;
const textLimit = 4096;

/** A value that must never be seen: whatever prints it, logs it or turns it into JSON gets a mark instead (a private field is not inspected either). `reveal` is the only way in. */
export class Sealed<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return withheld;
  }

  toJSON(): string {
    return withheld;
  }
}

/**
 * Text of an unforeseen error as it may be shown or logged: whatever stands in quotation marks is a value that somebody handed in
 * (Node and JSON.parse quote what they refuse) and is left out, and so is any long run of letters that could be key material.
 */
export function redactText(text: string): string {
  return text
    .slice(0, textLimit)
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/gs, '"…"')
    .replaceAll(/(["'`])[^"'`]*$/gs, '$1…')
    .replaceAll(/\b(?=[A-Za-z0-9+/_=-]*[0-9])[A-Za-z0-9+/_=-]{20,}/g, '…')
    .replaceAll(/(Received|received|is not valid JSON|token) .*$/gs, '$1 …');
}

/** Only where in the program an error came from: stack frames carry files and lines, and no values. */
function stackFrames(error: Error): readonly string[] {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 12)
    .map((line) => line.trim());
}

/** What was thrown and not foreseen, as a fact to log: an error without the values in its text, and of anything else only what kind it is. */
export function thrownFact(thrown: unknown): unknown {
  return thrown instanceof Error ? redactFacts(thrown) : `[thrown ${typeof thrown}]`;
}

/** Facts as they may be logged: bytes and keys become their length, members whose names speak of secrets are withheld, errors keep code, text and frames. */
export function redactFacts(value: unknown, depth = 0): unknown {
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || value === undefined) return value;
  if (typeof value === 'string') return value.length > textLimit ? `${value.slice(0, textLimit)}…` : value;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object') return `[${typeof value}]`;
  if (value instanceof Sealed || value instanceof KeyObject) return withheld;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (depth >= depthLimit) return '[deep]';
  if (value instanceof Error) return redactError(value, depth);
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redactFacts(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 100)
      .map(([name, member]) => [name, isHiddenMember(name, member) ? withheld : redactFacts(member, depth + 1)]),
  );
}

function isHiddenMember(name: string, member: unknown): boolean {
  return secretName.test(name) && typeof member !== 'number' && typeof member !== 'boolean' && member !== null;
}

function redactError(error: Error, depth: number): Readonly<Record<string, unknown>> {
  const cause = error.cause === undefined ? {} : { cause: redactFacts(error.cause, depth + 1) };
  if (error instanceof HoldfastError)
    return { code: error.code, message: error.message, details: redactFacts(error.details, depth + 1), ...cause };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { name: error.name, ...code, message: redactText(error.message), frames: stackFrames(error), ...cause };
}
