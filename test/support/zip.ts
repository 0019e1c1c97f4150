import { inflateRawSync } from 'node:zlib';

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const endBytes = 22;

/** Names and contents of a zip archive without Zip64, as its central directory lists them (APPNOTE 6.3.10, 4.3). Throws where there is none. */
export function readZip(archive: Buffer): ReadonlyMap<string, Buffer> {
  let end = archive.length - endBytes;
  while (end >= 0 && archive.readUInt32LE(end) !== endSignature) end -= 1;
  if (end < 0) throw new Error('not a zip archive');
  const files = new Map<string, Buffer>();
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (archive.readUInt32LE(at) !== entrySignature) throw new Error(`no entry at ${at}`);
    const [method, stored] = [archive.readUInt16LE(at + 10), archive.readUInt32LE(at + 20)];
    const [nameBytes, extraBytes, commentBytes] = [
      archive.readUInt16LE(at + 28),
      archive.readUInt16LE(at + 30),
      archive.readUInt16LE(at + 32),
    ];
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = archive.subarray(start, start + stored);
    files.set(archive.toString('utf8', at + 46, at + 46 + nameBytes), method === 0 ? content : inflateRawSync(content));
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
  return files;
}
