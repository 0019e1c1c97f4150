/** The editor hands typed text over as a string, which nobody can wipe; what is made of it is. */
export async function withSecret<Result>(typed: string, use: (bytes: Uint8Array) => Promise<Result>): Promise<Result> {
  const bytes = Buffer.from(typed, 'utf8');
  try {
    return await use(bytes);
  } finally {
    bytes.fill(0);
  }
}
