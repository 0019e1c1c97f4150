const pollMilliseconds = 50;
const defaultLimit = 15_000;

/** Tries `check` until it does not throw, and gives what it gave; after `limit` milliseconds it throws what the last try threw. */
export async function eventually<Result>(check: () => Result | Promise<Result>, limit: number = defaultLimit): Promise<Result> {
  const end = performance.now() + limit;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
}
