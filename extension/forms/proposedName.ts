import path from 'node:path';
import { nameProblem } from '../../protocol/methods/values.ts';

const mostCharacters = 64;

/** A name for a folder that will do as a policy's or location's name and is not taken yet: its own where that can be. */
export function proposedName(folder: string, taken: readonly string[], otherwise: string): string {
  const base = fit(path.basename(folder)) ?? otherwise;
  const isTaken = new Set(taken);
  for (let attempt = 1; ; attempt += 1) {
    const name = attempt === 1 ? base : numbered(base, attempt);
    if (!isTaken.has(name)) return name;
  }
}

/** The characters that a name may have; `undefined` where too few are left. */
function fit(text: string): string | undefined {
  const allowed = text
    .normalize('NFC')
    .replaceAll(/[^\p{L}\p{M}\p{N} ._+()-]+/gu, '-')
    .replace(/^[^\p{L}\p{N}]+/u, '');
  const name = Array.from(allowed)
    .slice(0, mostCharacters)
    .join('')
    .replace(/[ -]+$/u, '');
  return nameProblem(name) === undefined ? name : undefined;
}

function numbered(base: string, number: number): string {
  const tail = ` ${number}`;
  return `${Array.from(base)
    .slice(0, mostCharacters - tail.length)
    .join('')
    .trimEnd()}${tail}`;
}
