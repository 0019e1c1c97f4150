/** Why these bytes can be no name in a tree (docs/format.md, Trees and lists); `undefined` where they can. `separator` is the source's. */
export function nameFaultOf(name: Uint8Array, separator = 0x2f): string | undefined {
  if (name.length === 0) return 'a name is empty';
  if (name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e))) return 'a name is "." or ".."';
  for (const byte of name) {
    if (byte === 0x2f || byte === separator) return 'a name holds a separator';
    if (byte === 0) return 'a name holds a NUL';
  }
  return undefined;
}

/** A name for messages: UTF-8 where it is, control characters and broken bytes escaped. */
export function shownName(name: Uint8Array): string {
  const text = new TextDecoder('utf-8').decode(name);
  return JSON.stringify(text).slice(1, -1);
}
