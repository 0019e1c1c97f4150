import envPaths from 'env-paths';

/** Where this user's state lies on this system, by the rules of its desktop (on Linux the XDG data directory). */
export function defaultStateDirectory(): string {
  return envPaths('holdfast', { suffix: '' }).data;
}
