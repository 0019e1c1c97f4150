import { HoldfastError } from '../../protocol/errors.ts';

const keyPattern = /^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/;
const prefixPattern = /^(?:[a-z0-9-]+\/)*[a-z0-9-]*$/;
const partPattern = /^[a-z0-9-]+$/;
const longestKey = 1024;
const longestPart = 255;

/** The grammar of docs/format.md, Names in the store: parts of `[a-z0-9-]` between single slashes. */
export function isObjectKey(key: string): boolean {
  return key.length <= longestKey && keyPattern.test(key) && key.split('/').every((part) => part.length <= longestPart);
}

export function isObjectKeyPart(part: string): boolean {
  return part.length <= longestPart && partPattern.test(part);
}

const shown = (text: string): string => JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);

/** Refuses (`badValue`) a key that could lead anywhere else than below the location's folder. */
export function checkObjectKey(key: string): void {
  if (!isObjectKey(key)) throw new HoldfastError('badValue', `Failed to use object key ${shown(key)}: it is outside the grammar of keys.`);
}

export function checkPrefix(prefix: string): void {
  if (prefix.length > longestKey || !prefixPattern.test(prefix)) {
    throw new HoldfastError('badValue', `Failed to list objects below ${shown(prefix)}: it is outside the grammar of keys.`);
  }
}
