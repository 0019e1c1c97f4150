import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { DealtParts, type ObjectPart, type PartSink } from '../../../daemon/locations/objectParts.ts';

const object = Uint8Array.from({ length: 4096 }, (_, at) => (at * 7 + (at >> 8)) & 0xff);

/** Parts as they may stand: each ends behind the one before, and begins in it, at its end or behind it. */
const partsOf: fc.Arbitrary<readonly ObjectPart[]> = fc
  .array(fc.record({ more: fc.integer({ min: 1, max: 300 }), back: fc.integer({ min: -80, max: 80 }) }), { minLength: 1, maxLength: 8 })
  .map((steps) => {
    const parts: ObjectPart[] = [];
    let [begin, end] = [0, 0];
    for (const { more, back } of steps) {
      const offset = Math.max(begin, end - back, 0);
      end = Math.max(end, offset) + more;
      begin = offset;
      parts.push({ offset, length: end - offset });
    }
    return parts;
  });

interface Told {
  readonly part: number;
  readonly bytes: Uint8Array;
}

/** Gives each part memory of its own, at once or later, and takes what it held when it was told of. */
class Sink implements PartSink {
  readonly told: Told[] = [];
  readonly #parts: readonly ObjectPart[];
  readonly #isLate: (part: number) => boolean;
  readonly #memories = new Map<number, Uint8Array>();
  late: (() => void) | undefined;

  constructor(parts: readonly ObjectPart[], isLate: (part: number) => boolean) {
    this.#parts = parts;
    this.#isLate = isLate;
  }

  readonly memory = (part: number): Uint8Array | Promise<Uint8Array> => {
    const memory = new Uint8Array(this.#parts[part]?.length ?? 0).fill(0xee);
    this.#memories.set(part, memory);
    if (!this.#isLate(part)) return memory;
    return new Promise((resolve) => (this.late = () => resolve(memory)));
  };

  memoryGiven(part: number): Uint8Array | undefined {
    return this.#memories.get(part);
  }

  readonly filled = (part: number): void => {
    const memory = this.#memories.get(part);
    this.told.push({ part, bytes: Uint8Array.from(memory ?? []) });
    // It is used for something else from now on.
    memory?.fill(0xdd);
  };
}

describe('parts of an object that are dealt out', () => {
  it('get their bytes, each once and in order, however they come and whenever there is memory', async () => {
    await fc.assert(
      fc.asyncProperty(
        partsOf,
        fc.nat(7),
        fc.array(fc.record({ length: fc.integer({ min: 1, max: 200 }), isRoom: fc.boolean() }), { minLength: 1, maxLength: 20 }),
        fc.nat(255),
        async (parts, skipped, pieces, late) => {
          const first = Math.min(skipped, parts.length - 1);
          const sink = new Sink(parts, (part) => ((late >> part) & 1) === 1 && part !== first);
          const dealt = new DealtParts(parts, first, sink);
          const [from, to] = [parts[first], parts.at(-1)];
          assert.ok(from !== undefined && to !== undefined);
          assert.equal(dealt.length, to.offset + to.length - from.offset);
          let at = from.offset;
          const end = to.offset + to.length;
          for (let turn = 0; at < end; turn += 1) {
            const { length, isRoom } = pieces[turn % pieces.length] ?? { length: 1, isRoom: false };
            const most = Math.min(length, end - at);
            const room = isRoom ? dealt.room(most) : undefined;
            const bytes = object.subarray(at, at + (room?.length ?? most));
            room?.set(bytes);
            if (room === undefined) dealt.write(bytes);
            else dealt.took(bytes.length);
            at += bytes.length;
            while (dealt.wait !== undefined) {
              sink.late?.();
              await dealt.wait;
            }
          }
          assert.deepEqual(
            sink.told,
            parts
              .slice(first)
              .map(({ offset, length }, number) => ({ part: first + number, bytes: object.slice(offset, offset + length) })),
          );
        },
      ),
    );
  });

  it('hold what comes while memory is waited for, and offer no room meanwhile', async () => {
    const parts = [
      { offset: 0, length: 4 },
      { offset: 4, length: 4 },
      { offset: 8, length: 4 },
    ];
    const sink = new Sink(parts, (part) => part === 1);
    const dealt = new DealtParts(parts, 0, sink);
    dealt.write(object.subarray(0, 12));
    assert.deepEqual([sink.told.length, dealt.room(4)], [1, undefined]);
    sink.late?.();
    await dealt.wait;
    assert.deepEqual(
      sink.told.map(({ bytes }) => [...bytes]),
      [0, 4, 8].map((at) => [...object.subarray(at, at + 4)]),
    );
    assert.throws(() => dealt.write(object.subarray(0, 1)), RangeError);
  });

  it('S2: touch nothing and tell nothing any more where memory comes after they were given up', async () => {
    const parts = [
      { offset: 0, length: 4 },
      { offset: 2, length: 6 },
    ];
    const sink = new Sink(parts, (part) => part === 1);
    const dealt = new DealtParts(parts, 0, sink);
    dealt.write(object.subarray(0, 8));
    const { wait } = dealt;
    dealt.stop();
    sink.late?.();
    await wait;
    assert.equal(sink.told.length, 1);
    assert.deepEqual(sink.memoryGiven(1), new Uint8Array(6).fill(0xee));
  });
});
