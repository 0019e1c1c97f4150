import { gearWasm } from './gear.wasm.ts';
import { webAssembly } from './webAssembly.ts';

const pageLength = 65_536;
/** The table and what the module keeps for itself lie before it. */
const dataOffset = pageLength;
type Scan = (at: number, end: number, mask: number) => number;

/**
 * The compiled gear scanner and the memory that it scans. Bytes are read straight into `bytes`, which never moves.
 * Answers as `plainScan` does.
 */
export class GearScanner {
  readonly bytes: Buffer;
  readonly #scan: Scan;

  /** `capacity`: bytes that can be scanned at once. `gear`: 256 words (docs/format.md, Keys, chunkerKey). */
  constructor(gear: Uint32Array, capacity: number) {
    if (gear.length !== 256) throw new RangeError(`a gear table has 256 words, not ${gear.length}`);
    const { Memory, Module, Instance } = webAssembly();
    const pages = Math.ceil((dataOffset + capacity) / pageLength);
    const memory = new Memory({ initial: pages, maximum: pages });
    const { exports } = new Instance(new Module(Buffer.from(gearWasm, 'base64')), { env: { memory } });
    const { scan } = exports;
    if (!isScan(scan)) throw new Error('The chunker has no scanner.');
    this.#scan = scan;
    const table = new DataView(memory.buffer);
    for (const [byte, word] of gear.entries()) table.setUint32(byte * 4, word, true);
    this.bytes = Buffer.from(memory.buffer, dataOffset, capacity);
  }

  /** As `plainScan` over `bytes`; the 32 bytes before `at` must be there. */
  scan(at: number, end: number, mask: number): number {
    const found = this.#scan(dataOffset + at, dataOffset + end, mask);
    return found === 0 ? 0 : found - dataOffset;
  }
}

function isScan(value: unknown): value is Scan {
  return typeof value === 'function';
}
