import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Whether the memory of a child can be read here: Linux only. */
export const canReadMemory: boolean = process.platform === 'linux';

const mappingPattern = /^([0-9a-f]+)-([0-9a-f]+) rw/;
const residentPattern = /^Rss: +([1-9][0-9]*) kB/;
const longestRead = 16 * 2 ** 20;

/** The forms in which a secret could lie about: raw, hex and base64, as bytes or as two-byte characters. */
export function formsOf(name: string, secret: Uint8Array): ReadonlyMap<string, Buffer> {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  // The last character of base64 depends on what follows where the secret is encoded together with more.
  const base64 = bytes.toString('base64').slice(0, Math.floor((bytes.length * 4) / 3));
  return new Map([
    [`${name} raw`, bytes],
    [`${name} first half`, bytes.subarray(0, bytes.length / 2)],
    [`${name} second half`, bytes.subarray(bytes.length / 2)],
    [`${name} hex`, Buffer.from(hex, 'latin1')],
    [`${name} HEX`, Buffer.from(hex.toUpperCase(), 'latin1')],
    [`${name} hex, two bytes a character`, Buffer.from(hex, 'utf16le')],
    [`${name} base64`, Buffer.from(base64, 'latin1')],
    [`${name} base64, two bytes a character`, Buffer.from(base64, 'utf16le')],
    [`${name} raw, two bytes a character`, Buffer.from(bytes.toString('latin1'), 'utf16le')],
  ]);
}

/** How often each form occurs in the writable memory of a child process; forms that do not occur are left out. */
export function scanMemory(pid: number, forms: ReadonlyMap<string, Buffer>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const overlap = Math.max(...[...forms.values()].map(({ length }) => length)) - 1;
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const buffer = Buffer.alloc(longestRead);
  try {
    for (const [start, end] of residentMappings(readFileSync(`/proc/${pid}/smaps`, 'latin1'))) {
      for (let at = start; at < end; at += longestRead - overlap) {
        count(buffer.subarray(0, readAt(memory, buffer, at, Math.min(longestRead, end - at))), forms, counts);
      }
    }
  } finally {
    closeSync(memory);
    buffer.fill(0);
  }
  return counts;
}

/** Start and end of what is writable and of which any page was ever touched. */
function residentMappings(smaps: string): readonly (readonly [number, number])[] {
  const mappings: (readonly [number, number])[] = [];
  let mapping: readonly [number, number] | undefined;
  for (const line of smaps.split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) {
      const [, start, end] = mappingPattern.exec(line) ?? [];
      mapping = start === undefined || end === undefined ? undefined : [Number.parseInt(start, 16), Number.parseInt(end, 16)];
    } else if (mapping !== undefined && residentPattern.test(line)) mappings.push(mapping);
  }
  return mappings;
}

function readAt(memory: number, buffer: Buffer, position: number, length: number): number {
  let read = 0;
  try {
    while (read < length) {
      const more = readSync(memory, buffer, read, length - read, position + read);
      if (more === 0) break;
      read += more;
    }
  } catch (error) {
    // A mapping may be gone, or be one of a device's, which cannot be read.
    if (!(error instanceof Error && 'code' in error && (error.code === 'EIO' || error.code === 'EFAULT'))) throw error;
  }
  return read;
}

function count(bytes: Buffer, forms: ReadonlyMap<string, Buffer>, counts: Map<string, number>): void {
  for (const [name, form] of forms) {
    for (let at = bytes.indexOf(form); at >= 0; at = bytes.indexOf(form, at + 1)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}
