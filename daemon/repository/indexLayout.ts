/** Bytes of the header and of a row of each table (docs/format.md, Indexes). */
export const indexLayout = { header: 40, pack: 104, block: 20, id: 32, locator: 12 } as const;

export const indexMagic: Buffer = Buffer.from('HFIX0001', 'ascii');
export const maxIndexChunks = 1_048_576;
/** Most indexes that a manifest may pin. */
export const maxPinnedIndexes = 256;
