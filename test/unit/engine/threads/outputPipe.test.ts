import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { RunStopped } from '../../../../daemon/engine/threads/mailbox.ts';
import { newOutputPipe, OutputPipeReader, OutputPipeWriter } from '../../../../daemon/engine/threads/outputPipe.ts';

const going = { isStopped: false };

describe('the pipe of an output', () => {
  it('gives what was put in, in order, whatever the pieces, and never more than it has room for', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 16, 64),
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 150 }), fc.integer({ min: 1, max: 40 })), { maxLength: 40 }),
        (length, steps) => {
          const memory = newOutputPipe(length);
          const writer = new OutputPipeWriter(memory);
          const heard = { rooms: 0 };
          const reader = new OutputPipeReader(memory, going, () => {
            heard.rooms += 1;
          });
          const [put, got]: [number[], number[]] = [[], []];
          const take = (most: number): void => {
            const into = (count: number): Uint8Array => {
              assert.ok(count >= 1 && count <= most);
              taken = Buffer.alloc(count);
              return taken;
            };
            let taken = Buffer.alloc(0);
            assert.equal(reader.take(most, into), taken.length);
            got.push(...taken);
          };
          for (const [piece, most] of steps) {
            const written = writer.write(piece);
            put.push(...piece.subarray(0, written));
            assert.equal(written, Math.min(piece.length, length - (put.length - piece.subarray(0, written).length - got.length)));
            if (put.length > got.length) take(most);
          }
          assert.deepEqual(got, put.slice(0, got.length));
          const { rooms } = heard;
          assert.ok(writer.write(new Uint8Array(length + 1)) <= length);
          while (heard.rooms === rooms) take(40);
          writer.end('whole');
        },
      ),
    );
  });

  it('ends once all is taken, at once where the output was given up, and by a stop', () => {
    const memory = newOutputPipe(64);
    const writer = new OutputPipeWriter(memory);
    const reader = new OutputPipeReader(memory, going, () => undefined);
    writer.write(Buffer.from('abc'));
    writer.end('whole');
    assert.equal(
      reader.take(2, (length) => Buffer.alloc(length)),
      2,
    );
    assert.equal(
      reader.take(2, (length) => Buffer.alloc(length)),
      1,
    );
    assert.equal(
      reader.take(2, (length) => Buffer.alloc(length)),
      'whole',
    );
    const other = newOutputPipe(64);
    new OutputPipeWriter(other).write(Buffer.from('abc'));
    new OutputPipeWriter(other).end('givenUp');
    assert.equal(
      new OutputPipeReader(other, going, () => undefined).take(2, (length) => Buffer.alloc(length)),
      'givenUp',
    );
    const stopped = new OutputPipeReader(newOutputPipe(64), { isStopped: true }, () => undefined);
    assert.throws(() => stopped.take(2, (length) => Buffer.alloc(length)), RunStopped);
  });
});
