/** A raw path as text for people: UTF-8 where it is, `\xNN` for bytes that are not, and for control characters. */
export function displayPath(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  const isText = !text.includes('\ufffd') || Buffer.from(text, 'utf8').equals(buffer);
  return isText ? escapeControls(text) : escapeBytes(buffer);
}

function escapeControls(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => hexEscape(character.charCodeAt(0)));
}

/** Sequences that are UTF-8 stay readable between those that are not. */
function escapeBytes(bytes: Buffer): string {
  let shown = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      shown += hexEscape(bytes[at] ?? 0);
      at += 1;
    } else {
      shown += escapeControls(bytes.toString('utf8', at, at + length));
      at += length;
    }
  }
  return shown;
}

function sequenceLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length += 1) {
    if (!bytes.toString('utf8', at, at + length).includes('\ufffd')) return length;
  }
  return 0;
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
