import { closeSync, openSync, readSync } from 'node:fs';

const headerLength = 100;
/** Where a file says how it is written and how it is read: 1 as it is, 2 with a write-ahead log. */
const formatsAt = [18, 19] as const;

/** What the first bytes of a file of this program say; SQLite has other words for other values there. */
export interface FileHeader {
  /** The file has the pages, encoding and schema format that all of this program's have, and this application id. */
  readonly isOurs: boolean;
  /** Of writing and of reading. */
  readonly formats: readonly (number | undefined)[];
}

/** Reads what stands at the same place in every file of one application id (sqlite.org/fileformat2.html, section 1.3). Throws the system's error. */
export function readFileHeader(path: string, applicationId: number): FileHeader {
  const header = Buffer.alloc(headerLength);
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, headerLength, 0);
  } finally {
    closeSync(file);
  }
  const fixed: readonly (readonly [offset: number, bytes: string])[] = [
    [0, Buffer.from('SQLite format 3\0', 'latin1').toString('hex')],
    [16, '1000'],
    [20, '00402020'],
    [44, '00000004'],
    [56, '00000001'],
    [68, applicationId.toString(16)],
  ];
  const isOurs = fixed.every(([offset, bytes]) => header.toString('hex', offset, offset + bytes.length / 2) === bytes);
  return { isOurs, formats: formatsAt.map((offset) => header[offset]) };
}
