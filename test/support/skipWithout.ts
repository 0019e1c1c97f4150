/** Skips a test for which this machine lacks a tool; fails it where every test has to run: with CI set. */
export function skipWithout(tool: string, context: Mocha.Context): never {
  const ci = process.env['CI'] ?? '';
  if (ci !== '' && ci !== 'false') throw new Error(`${tool} is missing, and every test has to run where CI is set`);
  return context.skip();
}
