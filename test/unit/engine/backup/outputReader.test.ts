import assert from 'node:assert/strict';
import { type OutputTools, readOutput } from '../../../../daemon/engine/backup/outputReader.ts';
import { newOutputPipe, OutputPipeWriter } from '../../../../daemon/engine/threads/outputPipe.ts';

/** A stream that keeps what it gets; a row is as long as all bytes since the last ones were taken. */
function tools(seen: string[], changes: Partial<OutputTools> = {}): OutputTools {
  let open = 0;
  return {
    stream: {
      begin: () => void seen.push('begin'),
      room: (length) => Buffer.alloc(length),
      filled: (count) => {
        open += count;
        seen.push(`filled ${count}`);
      },
      end: () => Buffer.from(`end after ${open}`),
      takeRows: () => Buffer.from('rows'),
      abandon: () => void seen.push('abandon'),
    },
    control: { isStopped: false },
    counters: { add: (name, amount) => void seen.push(`${name} ${amount}`) },
    budget: { take: (bytes) => void seen.push(`budget ${bytes}`) },
    tellRoom: () => undefined,
    onPart: () => undefined,
    ...changes,
  };
}

describe('reading an output', () => {
  it('counts what a command printed as read, and pays for it before it is stored', () => {
    const pipe = newOutputPipe();
    const writer = new OutputPipeWriter(pipe);
    writer.write(Buffer.alloc(300_000));
    writer.end('whole');
    const seen: string[] = [];
    assert.equal(Buffer.from(readOutput(pipe, tools(seen)) ?? []).toString(), 'end after 300000');
    const pieces = [262_144, 37_856].flatMap((bytes) => [`budget ${bytes}`, `filled ${bytes}`, `bytes ${bytes}`]);
    assert.deepEqual(seen, ['begin', ...pieces]);
  });

  it('gives nothing of an output that was given up', () => {
    const pipe = newOutputPipe();
    const writer = new OutputPipeWriter(pipe);
    writer.write(Buffer.alloc(10));
    writer.end('givenUp');
    const seen: string[] = [];
    assert.equal(readOutput(pipe, tools(seen)), undefined);
    assert.deepEqual(seen, ['begin', 'abandon']);
  });

  it('tells of the chunks of a long one in parts', () => {
    const pipe = newOutputPipe();
    const writer = new OutputPipeWriter(pipe);
    const piece = Buffer.alloc(1 << 20);
    let left = 130;
    // The writer goes on whenever it hears of room, as the main thread does.
    const fill = (): void => {
      while (left > 0 && writer.write(piece) === piece.length) left -= 1;
      if (left === 0) writer.end('whole');
    };
    const parts: string[] = [];
    const onPart = (chunks: Uint8Array): void => void parts.push(Buffer.from(chunks).toString());
    fill();
    readOutput(pipe, tools([], { tellRoom: () => fill(), onPart }));
    assert.deepEqual(parts, ['rows', 'rows']);
  });
});
