import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import path from 'node:path';
import { pipeName, type RuntimeSurroundings, runtimeFolders, socketPathIn } from '../../protocol/endpoint.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { systemCode } from '../../protocol/systemCode.ts';

const dialMilliseconds = 2000;

/**
 * Where to listen: a socket in a folder that is ours alone, or a pipe of a random name on Windows. Folders that are somebody else's, or links, are passed over.
 * Throws `refusedByRule` where no folder will do.
 */
export function chooseSocketPath(surroundings: RuntimeSurroundings, stateDirectory: string, random: Uint8Array): string {
  if (surroundings.platform === 'win32') return pipeName(random);
  const refusals: string[] = [];
  for (const folder of runtimeFolders(surroundings)) {
    const refusal = prepareFolder(folder, surroundings.userId);
    if (refusal === undefined) return socketPathIn(folder, stateDirectory);
    refusals.push(`${folder}: ${refusal}`);
  }
  throw new HoldfastError('refusedByRule', `Failed to find a safe folder for the socket: ${refusals.join('; ')}.`, {
    fix: 'Set XDG_RUNTIME_DIR to a folder that only you can enter, with a short path.',
    details: { refusals },
  });
}

/** Makes the folder 0700 where it is missing. `lstat`, so that a link to a folder of ours does not count as ours. */
function prepareFolder(folder: string, userId: number | undefined): string | undefined {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') return `it cannot be made (${systemCode(error) ?? 'unknown cause'})`;
  }
  const facts = lstatSync(folder);
  if (!facts.isDirectory()) return 'it is no folder';
  if (facts.uid !== userId) return 'it belongs to somebody else';
  if ((facts.mode & 0o077) !== 0) return 'others may enter it';
  return undefined;
}

/**
 * Listens on the path, with a socket that is 0600 from its first moment. A socket that is there already is removed only if it is ours and nobody answers.
 * Throws `daemonAlreadyRunning` where somebody answers, `refusedByRule` where something else is in the place.
 */
export async function listenOn(server: Server, socketPath: string): Promise<void> {
  const isPipe = process.platform === 'win32';
  if (!isPipe) await clearStaleSocket(socketPath);
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // The bind happens within the call, so the umask is right whatever else runs meanwhile.
      server.listen({ path: socketPath }, () => {
        server.off('error', reject);
        resolve();
      });
      process.umask(before);
    });
  } catch (error) {
    throw new HoldfastError('failed', `Failed to listen on ${socketPath}: ${systemCode(error) ?? 'unknown cause'}.`, {
      fix: 'Look at the rights and the free space of its folder, or set XDG_RUNTIME_DIR to another that only you can enter.',
      cause: error,
    });
  } finally {
    process.umask(before);
  }
  if (!isPipe) chmodSync(socketPath, 0o600);
}

async function clearStaleSocket(socketPath: string): Promise<void> {
  const facts = lstatSync(socketPath, { throwIfNoEntry: false });
  if (facts === undefined) return;
  if (!facts.isSocket() || facts.uid !== process.getuid?.()) {
    throw new HoldfastError('refusedByRule', `Failed to listen on ${socketPath}: something that is not a socket of ours is there.`, {
      fix: `Look what it is, and remove it from ${path.dirname(socketPath)}.`,
    });
  }
  if (await isAnswered(socketPath)) {
    throw new HoldfastError('daemonAlreadyRunning', `Failed to listen on ${socketPath}: somebody else listens there.`, {
      fix: 'Another daemon runs for this state directory: use that one, or end it with "holdfast stop".',
    });
  }
  rmSync(socketPath, { force: true });
}

function isAnswered(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath });
    const settle = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    // One that takes no connection in two seconds is alive all the same: a full backlog, or a stopped process.
    socket.setTimeout(dialMilliseconds, () => settle(true));
    socket.once('connect', () => settle(true));
    socket.once('error', (error) => settle(systemCode(error) !== 'ECONNREFUSED' && systemCode(error) !== 'ENOENT'));
  });
}
