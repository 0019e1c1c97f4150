/** How files are cut; recorded in each manifest, needed by no reader (docs/format.md, Chunks). */
export interface ChunkerParameters {
  /** Bytes; no chunk but a file's last is shorter. */
  readonly min: number;
  /** Bytes; before it a cut is unlikely, behind it likely, so that lengths gather around it (FastCDC, normalised chunking). */
  readonly avg: number;
  /** Bytes; no chunk is longer. */
  readonly max: number;
}

export const chunkerName = 'fastcdc-gear';

export const defaultChunkerParameters: ChunkerParameters = { min: 256 * 1024, avg: 1024 * 1024, max: 4 * 1024 * 1024 };

/** Bytes that the rolling hash looks back; `min` may not be less. */
export const gearWindow = 32;

const normalisation = 2;

/** The bits of the hash that must be 0 for a cut: the top ones, since those depend on the whole window. */
export interface CutMasks {
  readonly beforeAverage: number;
  readonly afterAverage: number;
}

export function cutMasksOf(parameters: ChunkerParameters): CutMasks {
  const bits = Math.round(Math.log2(parameters.avg));
  return { beforeAverage: topBits(bits + normalisation), afterAverage: topBits(bits - normalisation) };
}

function topBits(count: number): number {
  return (0xffffffff << (32 - count)) >>> 0;
}
