import { existsSync } from 'node:fs';
import { run } from './run.ts';

/** One after the other: apt takes a lock. */
class AptQueue {
  #last: Promise<unknown> = Promise.resolve();

  async add<Result>(act: () => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(act, act);
    this.#last = mine.catch(() => undefined);
    return await mine;
  }
}

const queue = new AptQueue();

/** Whether packages can be installed without anybody's leave: on Debian and its kin as root. */
export function canInstallPackages(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** Installs packages of Debian; resolves to what apt said where it failed. */
export async function installPackages(packages: readonly string[]): Promise<string | undefined> {
  return await queue.add(async () => {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    const updated = await run('apt-get', ['update', '-qq'], { env });
    const installed = await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
    return installed.status === 0 ? undefined : (updated.status === 0 ? installed : updated).output.trim();
  });
}
