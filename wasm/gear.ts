// AssemblyScript. Finds cut points of a gear hash: h = (h << 1) + table[byte] modulo 2^32, so that h depends on the last 32 bytes alone
// and any position can be reached by hashing the 32 bytes before it. A position is a cut where h & mask is 0.
// Memory: 0..1023 the table, 256 x u32, little-endian; the bytes lie anywhere from `dataOffset` on.

const WINDOW: usize = 32;
/** Bytes of a lane. Four lanes at equal distances keep four independent hashes in flight. */
const LANE: usize = 4096;
const BLOCK: usize = 4 * LANE;

export const dataOffset: usize = 65536;

// @ts-ignore: decorator
@inline
function entry(at: usize): u32 {
  return load<u32>(<usize>load<u8>(at) << 2);
}

// @ts-ignore: decorator
@inline
function roll(h: u32, at: usize): u32 {
  return (h << 1) + entry(at);
}

function warm(at: usize): u32 {
  let h: u32 = 0;
  for (let p = at - WINDOW; p < at; p++) h = roll(h, p);
  return h;
}

function scanOneByOne(at: usize, end: usize, mask: u32): usize {
  let h = warm(at);
  while (at < end) {
    h = roll(h, at);
    at++;
    if (!(h & mask)) return at;
  }
  return 0;
}

/**
 * The first cut after one of the bytes [at, end): the address behind that byte, or 0 where there is none.
 * The 32 bytes before `at` belong to the same chunk.
 */
export function scan(at: usize, end: usize, mask: u32): usize {
  while (at + BLOCK <= end) {
    let ha = warm(at), hb = warm(at + LANE), hc = warm(at + 2 * LANE), hd = warm(at + 3 * LANE);
    let cutB: usize = 0, cutC: usize = 0, cutD: usize = 0;
    const stop = at + LANE;
    for (let p = at; p < stop; p += 4) {
      ha = roll(ha, p); hb = roll(hb, p + LANE); hc = roll(hc, p + 2 * LANE); hd = roll(hd, p + 3 * LANE);
      if (i32(!(ha & mask)) | i32(!(hb & mask)) | i32(!(hc & mask)) | i32(!(hd & mask))) {
        if (!(ha & mask)) return p + 1;
        if (!cutB && !(hb & mask)) cutB = p + LANE + 1;
        if (!cutC && !(hc & mask)) cutC = p + 2 * LANE + 1;
        if (!cutD && !(hd & mask)) cutD = p + 3 * LANE + 1;
      }
      ha = roll(ha, p + 1); hb = roll(hb, p + LANE + 1); hc = roll(hc, p + 2 * LANE + 1); hd = roll(hd, p + 3 * LANE + 1);
      if (i32(!(ha & mask)) | i32(!(hb & mask)) | i32(!(hc & mask)) | i32(!(hd & mask))) {
        if (!(ha & mask)) return p + 2;
        if (!cutB && !(hb & mask)) cutB = p + LANE + 2;
        if (!cutC && !(hc & mask)) cutC = p + 2 * LANE + 2;
        if (!cutD && !(hd & mask)) cutD = p + 3 * LANE + 2;
      }
      ha = roll(ha, p + 2); hb = roll(hb, p + LANE + 2); hc = roll(hc, p + 2 * LANE + 2); hd = roll(hd, p + 3 * LANE + 2);
      if (i32(!(ha & mask)) | i32(!(hb & mask)) | i32(!(hc & mask)) | i32(!(hd & mask))) {
        if (!(ha & mask)) return p + 3;
        if (!cutB && !(hb & mask)) cutB = p + LANE + 3;
        if (!cutC && !(hc & mask)) cutC = p + 2 * LANE + 3;
        if (!cutD && !(hd & mask)) cutD = p + 3 * LANE + 3;
      }
      ha = roll(ha, p + 3); hb = roll(hb, p + LANE + 3); hc = roll(hc, p + 2 * LANE + 3); hd = roll(hd, p + 3 * LANE + 3);
      if (i32(!(ha & mask)) | i32(!(hb & mask)) | i32(!(hc & mask)) | i32(!(hd & mask))) {
        if (!(ha & mask)) return p + 4;
        if (!cutB && !(hb & mask)) cutB = p + LANE + 4;
        if (!cutC && !(hc & mask)) cutC = p + 2 * LANE + 4;
        if (!cutD && !(hd & mask)) cutD = p + 3 * LANE + 4;
      }
    }
    if (cutB) return cutB;
    if (cutC) return cutC;
    if (cutD) return cutD;
    at += BLOCK;
  }
  return scanOneByOne(at, end, mask);
}
