const sampleLength = 4096;
const sampleCount = 4;
/** Bits a byte, measured over a sample: random bytes come out at about 7.95 here, text at 4 to 5, base64 at 6. */
const incompressibleBits = 7.85;
/** Shorter blocks are cheap to try. */
const worthLooking = 64 * 1024;

/**
 * Whether compressing is likely to be in vain: every sample uses all byte values about equally often, as encrypted, compressed and random
 * bytes do. A guess that costs a few microseconds; where it errs, a block is stored raw.
 */
export function looksIncompressible(raw: Uint8Array): boolean {
  if (raw.length < worthLooking) return false;
  const counts = new Uint16Array(256);
  const stride = Math.floor((raw.length - sampleLength) / (sampleCount - 1));
  for (let sample = 0; sample < sampleCount; sample += 1) {
    counts.fill(0);
    const from = sample * stride;
    for (let at = from; at < from + sampleLength; at += 1) {
      const byte = raw[at] ?? 0;
      counts[byte] = (counts[byte] ?? 0) + 1;
    }
    if (entropyOf(counts) < incompressibleBits) return false;
  }
  return true;
}

function entropyOf(counts: Uint16Array): number {
  let sum = 0;
  for (const count of counts) if (count > 0) sum += count * Math.log2(count);
  return Math.log2(sampleLength) - sum / sampleLength;
}
