/** What file systems without hard links answer to `link`. */
const linkMissing: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL']);

/** The code of an error of the operating system (`ENOENT`), or `undefined` for any other error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether `error` is the answer of a file system that makes no hard link there. */
export function hasNoHardLinks(error: unknown): boolean {
  return linkMissing.has(systemCode(error) ?? '');
}
