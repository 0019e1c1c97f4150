import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Endpoint, endpoint, endpointFileName } from '../../protocol/endpoint.ts';

/** Writes it whole or not at all, 0600; only a daemon that listens already does so. */
export function writeEndpointFile(stateDirectory: string, content: Endpoint): void {
  const file = path.join(stateDirectory, endpointFileName);
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeFileSync(temporary, JSON.stringify(content), { mode: 0o600, flag: 'wx' });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** At an orderly exit; leaves the file of another instance alone. */
export function removeEndpointFile(stateDirectory: string, instanceId: string): void {
  const file = path.join(stateDirectory, endpointFileName);
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Not there, or not a daemon's: not ours to remove.
    return;
  }
  const read = endpoint.safeParse(content);
  if (read.success && read.data.instanceId === instanceId) rmSync(file, { force: true });
}

/** The holder of the instance lock clears what a killed predecessor left. */
export function removeStaleEndpointFile(stateDirectory: string): void {
  rmSync(path.join(stateDirectory, endpointFileName), { force: true });
}
