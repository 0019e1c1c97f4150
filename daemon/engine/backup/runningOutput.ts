import type { CommandSource } from '../jobs.ts';
import { type OutputPipeMemory, OutputPipeWriter } from '../threads/outputPipe.ts';

/** Brings what one command prints into the pipe that a file worker reads from. */
export class RunningOutput {
  readonly #writer: OutputPipeWriter;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(pipe: OutputPipeMemory) {
    this.#writer = new OutputPipeWriter(pipe);
  }

  /** Runs the command to its end, and ends the pipe. Resolves with why its output is not kept, `null` where it is. Rejects with what `run` rejects with. */
  async run(source: CommandSource, signal: AbortSignal): Promise<string | null> {
    let problem: string | null = 'it was given up';
    try {
      problem = await source.run((piece) => this.#put(piece), signal);
      return problem;
    } finally {
      this.#writer.end(problem === null ? 'whole' : 'givenUp');
    }
  }

  /** The reader has made room. */
  onRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #put(piece: Uint8Array): Promise<void> | undefined {
    const taken = this.#writer.write(piece);
    return taken === piece.length ? undefined : this.#putRest(piece.subarray(taken));
  }

  async #putRest(piece: Uint8Array): Promise<void> {
    for (let left = piece; left.length > 0; ) {
      this.#room = Promise.withResolvers();
      const taken = this.#writer.write(left);
      left = left.subarray(taken);
      if (left.length > 0) await this.#room.promise;
    }
  }
}
