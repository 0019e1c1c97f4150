import { type OutputPipeMemory, OutputPipeReader } from '../threads/outputPipe.ts';
import type { ReadBudget } from '../threads/readBudget.ts';
import type { RunControl, RunCounters } from '../threads/runMemory.ts';
import type { ChunkStream } from './chunkStream.ts';

/** Bytes read at once: they are cut and hashed while they are in the processor's cache. */
const pieceLength = 256 * 1024;
/** After so many bytes the walker hears of the chunks: it makes room in the table of known ones meanwhile. */
const partLength = 64 * 1024 * 1024;

export interface OutputTools {
  readonly stream: Pick<ChunkStream, 'begin' | 'room' | 'filled' | 'end' | 'takeRows' | 'abandon'>;
  readonly control: Pick<RunControl, 'isStopped'>;
  readonly counters: Pick<RunCounters, 'add'>;
  /** What a command prints counts as read. */
  readonly budget: Pick<ReadBudget, 'take'> | undefined;
  /** Wakes whoever fills the pipe. */
  readonly tellRoom: () => void;
  /** Chunks of the next part. */
  readonly onPart: (chunks: Uint8Array) => void;
}

/** Stores what comes through a pipe, until its end. Returns the chunks of the last part, `undefined` where the output was given up. Throws `RunStopped`. */
export function readOutput(memory: OutputPipeMemory, tools: OutputTools): Uint8Array | undefined {
  const { stream, counters } = tools;
  const pipe = new OutputPipeReader(memory, tools.control, tools.tellRoom);
  stream.begin();
  for (let left = partLength; ; ) {
    const taken = pipe.take(pieceLength, (length) => stream.room(length));
    if (taken === 'givenUp') {
      stream.abandon();
      return undefined;
    }
    if (taken === 'whole') return Uint8Array.from(stream.end());
    tools.budget?.take(taken);
    stream.filled(taken);
    counters.add('bytes', taken);
    left -= taken;
    if (left > 0) continue;
    tools.onPart(stream.takeRows());
    left = partLength;
  }
}
