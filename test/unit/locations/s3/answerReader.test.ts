import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { type AnswerHead, AnswerReader, withoutChunks } from '../../../../daemon/locations/s3/answerReader.ts';

const object = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: "x"\r\n\r\n0123456789';
const refusal = 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<Erro\r\n2;name=value\r\nr>\r\n0\r\nTrailer: 1\r\n\r\n';

const own = ({ length = 0 }: AnswerHead): Uint8Array => new Uint8Array(length);
const isBadAnswer = (error: unknown): boolean => error instanceof Error && error.name === 'BadAnswer';

const roomOf = ({ room }: AnswerReader): Uint8Array | undefined => room;

interface Read {
  readonly reader: AnswerReader;
  readonly places: Uint8Array[];
}

/** Hands the pieces over as a socket does: the bytes are others when `take` has returned. */
function read(pieces: readonly string[], place = own): Read {
  const places: Uint8Array[] = [];
  const reader = new AnswerReader((head) => {
    const made = place(head);
    places.push(made);
    return made;
  });
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, 'latin1');
    reader.take(bytes);
    bytes.fill('!');
  }
  return { reader, places };
}

describe('an answer of a store', () => {
  it('is the same however its bytes are cut into pieces', () => {
    for (const [whole, status, text, body] of [
      [object, 200, '', '0123456789'],
      [`HTTP/1.1 100 Continue\r\n\r\n${object}`, 200, '', '0123456789'],
      [refusal, 404, '<Error>', undefined],
      ['HTTP/1.1 503 \r\ncontent-length: 3\r\n\r\nabc', 503, 'abc', undefined],
      ['HTTP/1.1 304 Not Modified\r\n\r\n', 304, '', undefined],
      ['HTTP/1.1 206 Partial\r\ncontent-length: 0\r\n\r\n', 206, '', ''],
    ] as const) {
      const cuts = fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 6 });
      fc.assert(
        fc.property(cuts, (found) => {
          const at = [0, ...found.toSorted((a, b) => a - b), whole.length];
          const { reader, places } = read(at.slice(1).map((end, index) => whole.slice(at[index], end)));
          assert.deepEqual([reader.isComplete, reader.isReusable], [true, true]);
          assert.deepEqual([reader.answer.head.status, Buffer.from(reader.answer.text).toString()], [status, text]);
          assert.deepEqual(
            places.map((place) => Buffer.from(place).toString()),
            body === undefined ? [] : [body],
          );
        }),
        { numRuns: 60 },
      );
    }
  });

  it('S5: lets an object be put where it belongs but for its end, and nothing else', () => {
    const length = 200_000;
    const memory = Buffer.alloc(length + 10, '.');
    const reader = new AnswerReader(() => memory.subarray(0, length));
    assert.equal(roomOf(reader), undefined);
    reader.take(Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\nab`));
    for (let room = roomOf(reader); room !== undefined; room = roomOf(reader)) {
      const part = room.subarray(0, 50_000).fill(99);
      assert.deepEqual([room.buffer, reader.isComplete], [memory.buffer, false]);
      reader.filled(part.length);
    }
    reader.take(Buffer.alloc(65_537, 'd'));
    assert.deepEqual([reader.isComplete, reader.isReusable, roomOf(reader)], [true, false, undefined]);
    assert.equal(memory.toString(), `ab${'c'.repeat(length - 65_538)}${'d'.repeat(65_536)}${'.'.repeat(10)}`);
    const other = new AnswerReader(own);
    other.take(Buffer.from(`HTTP/1.1 404 Not Found\r\ncontent-length: ${length}\r\n\r\n`));
    assert.equal(roomOf(other), undefined);
  });

  it('tells its headers in lower case, and those of one name together', () => {
    const { reader } = read(['HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:  2 \r\nX-Empty:\r\ncontent-length: 0\r\n\r\n']);
    const { headers, length } = reader.answer.head;
    assert.deepEqual([headers['x-a'], headers['x-empty'], length], ['1, 2', '', 0]);
  });

  it('S5: writes nothing behind the length that it announced, and its connection is used no more', () => {
    const memory = Buffer.alloc(20, '.');
    const { reader } = read([`${object}HTTP/1.1 200 OK\r\n`], ({ length }) => memory.subarray(0, length));
    assert.deepEqual([reader.isComplete, reader.isReusable, memory.toString()], [true, false, '0123456789..........']);
    const { reader: other } = read([`${refusal}HTTP/1.1 200 OK\r\n`]);
    assert.deepEqual([other.isComplete, other.isReusable, Buffer.from(other.answer.text).toString()], [true, false, '<Error>']);
  });

  it('is not complete before its last byte, whether the connection ends or not', () => {
    for (const whole of [object, refusal]) {
      for (let length = 0; length < whole.length; length += 1) {
        const { reader } = read([whole.slice(0, length)]);
        reader.end();
        assert.equal(reader.isComplete, false, `${length}`);
        assert.throws(() => reader.answer, isBadAnswer);
      }
    }
  });

  it('may end with its connection where it is no object', () => {
    const { reader } = read(['HTTP/1.0 500 Failed\r\n\r\n<Error>', '</Error>']);
    assert.equal(reader.isComplete, false);
    reader.end();
    assert.deepEqual([reader.isReusable, Buffer.from(reader.answer.text).toString()], [false, '<Error></Error>']);
  });

  it('leaves no connection to go on with where it says so', () => {
    for (const [first, header] of [
      ['HTTP/1.1 200 OK', 'Connection: x, Close'],
      ['HTTP/1.0 200 OK', 'x: y'],
    ] as const) {
      const { reader } = read([`${first}\r\n${header}\r\ncontent-length: 1\r\n\r\nx`]);
      assert.deepEqual([reader.isComplete, reader.isReusable], [true, false]);
    }
  });

  it('S5: of an object says its length, or the place for it hears of none', () => {
    for (const header of ['x: y', 'transfer-encoding: chunked', 'transfer-encoding: chunked\r\ncontent-length: 5']) {
      const refused = new Error('no length');
      const refuse = ({ length }: AnswerHead): Uint8Array => {
        assert.equal(length, undefined);
        throw refused;
      };
      assert.throws(
        () => read([`HTTP/1.1 200 OK\r\n${header}\r\n\r\n`], refuse),
        (error) => error === refused,
      );
    }
  });

  for (const [title, text] of [
    ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['a status of no number', 'HTTP/1.1 OK\r\n\r\n'],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\na: x\r\n b\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'],
    ['a coding that nobody knows', 'HTTP/1.1 404 No\r\ntransfer-encoding: gzip, chunked\r\n\r\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`],
    ['a head that is too long', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`],
    ['a chunk without a length', 'HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'],
    ['a chunk of another length', 'HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n'],
    ['an error that is announced as too long', 'HTTP/1.1 404 No\r\ncontent-length: 9999999\r\n\r\n'],
    ['an error that is too long', `HTTP/1.1 404 No\r\n\r\n${'x'.repeat(1_100_000)}`],
  ] as const) {
    it(`S5: is none with ${title}`, () => assert.throws(() => read([text]), isBadAnswer));
  }

  it('in chunks ends where the last one does', () => {
    const found = withoutChunks(Buffer.from('3\r\nabc\r\n0\r\n\r\nmore'));
    assert.deepEqual([found?.body.toString(), found?.end], ['abc', 13]);
  });
});
