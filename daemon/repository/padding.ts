import { headerLength } from './header.ts';

/** Plaintext bytes of a full segment (docs/format.md, Body). */
export const segmentLength = 131_072;
export const tagLength = 16;
export const maxSegments = 1_048_576;

/** Plaintext bytes of a full pack, which is 32 MiB stored. No writer exceeds it. */
export const fullPackPlaintextLength = 33_550_144;
export const maxPackStoredLength: number = 256 * 1024 * 1024;
export const maxObjectStoredLength: number = 4 * 1024 * 1024 * 1024;

const unit = 65_536;

/** Stored bytes of an object whose body holds `plaintextLength` bytes; `sectionLength` counts what lies between header and body. */
export function storedLengthOf(plaintextLength: number, sectionLength = 0): number {
  const segments = Math.max(1, Math.ceil(plaintextLength / segmentLength));
  return headerLength + sectionLength + plaintextLength + segments * tagLength;
}

/** Plaintext bytes of a body of `bodyLength` stored bytes; `undefined` where no body has that length. */
export function plaintextLengthOf(bodyLength: number): number | undefined {
  const segments = Math.ceil(bodyLength / (segmentLength + tagLength));
  const plaintext = bodyLength - segments * tagLength;
  if (segments < 1 || segments > maxSegments || plaintext < 0) return undefined;
  if (segments > 1 && plaintext <= (segments - 1) * segmentLength) return undefined;
  return plaintext;
}

/** The stored length that the padding rule aims at for `length` unpadded stored bytes (docs/format.md, Padding). */
export function paddingTarget(length: number): number {
  const exponent = 31 - Math.clz32(length >= 2 ** 31 ? Math.floor(length / 2 ** 31) : length) + (length >= 2 ** 31 ? 31 : 0);
  const step = 2 ** (exponent - (31 - Math.clz32(exponent)) - 1);
  return Math.max(unit, Math.ceil((Math.ceil(length / step) * step) / unit) * unit);
}

/** The plaintext length to pad to, at least `plaintextLength`: the first target that a body can reach exactly. */
export function paddedPlaintextLength(plaintextLength: number, sectionLength = 0): number {
  let target = paddingTarget(storedLengthOf(plaintextLength, sectionLength));
  for (;;) {
    const padded = plaintextLengthOf(target - headerLength - sectionLength);
    if (padded !== undefined && padded >= plaintextLength) return padded;
    target = paddingTarget(target + 1);
  }
}
