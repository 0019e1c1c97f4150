import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { type Endpoint, endpoint, endpointBytesLimit, endpointFileName } from '../protocol/endpoint.ts';
import { HoldfastError } from '../protocol/errors.ts';
import { systemCode } from '../protocol/systemCode.ts';

/**
 * What the endpoint file of a state directory says; `undefined` where there is none, or only half of one. It is believed as far as the proof, and not at all
 * where somebody else could have written it: `refusedByRule`.
 */
export function readEndpoint(stateDirectory: string): Endpoint | undefined {
  const file = path.join(stateDirectory, endpointFileName);
  const bytes = Buffer.alloc(endpointBytesLimit);
  let length = 0;
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw refusal(file, `it cannot be opened (${code ?? 'unknown cause'})`);
  }
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile()) throw refusal(file, 'it is no file');
    if (process.platform !== 'win32') {
      if (facts.uid !== process.getuid?.()) throw refusal(file, 'it belongs to somebody else');
      if ((facts.mode & 0o077) !== 0) throw refusal(file, 'others may read or write it');
    }
    length = readSync(descriptor, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(descriptor);
  }
  try {
    return endpoint.parse(JSON.parse(bytes.toString('utf8', 0, length)));
  } catch {
    return undefined;
  }
}

/** Refuses a socket that somebody else could have put there: its folder has to be ours alone, and it a socket of ours. On Windows the proof carries this alone. */
export function checkSocketPlace(socketPath: string): void {
  if (process.platform === 'win32') return;
  const folder = path.dirname(socketPath);
  const ofFolder = lstatSync(folder, { throwIfNoEntry: false });
  const ofSocket = lstatSync(socketPath, { throwIfNoEntry: false });
  if (ofFolder === undefined || ofSocket === undefined) return;
  const userId = process.getuid?.();
  if (!ofFolder.isDirectory() || ofFolder.uid !== userId || (ofFolder.mode & 0o077) !== 0) {
    throw refusal(folder, 'it is not a folder that only you can enter');
  }
  if (!ofSocket.isSocket() || ofSocket.uid !== userId) throw refusal(socketPath, 'it is not a socket of yours');
}

function refusal(target: string, cause: string): HoldfastError {
  return new HoldfastError('refusedByRule', `Failed to trust ${target}: ${cause}.`, {
    fix: 'Look who put it there; remove it if it is not yours, and start the daemon again.',
  });
}
