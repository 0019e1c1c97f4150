import type { GuardedProcess } from './guardedProcess.ts';

const pollMilliseconds = 25;

/** Resolves once `address` answers anything over HTTP. Rejects with what the program said where it ends before, or takes longer than `limit` milliseconds. */
export async function answers(address: string, program: GuardedProcess, limit: number): Promise<void> {
  const end = performance.now() + limit;
  for (;;) {
    try {
      const response = await fetch(address, { signal: AbortSignal.timeout(1000) });
      await response.body?.cancel();
      return;
    } catch (error) {
      if (!program.isRunning || performance.now() > end) {
        throw new Error(`${address} does not answer. The server said:\n${program.output}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
}
