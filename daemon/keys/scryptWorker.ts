import { scryptSync } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { scryptMemory, type ScryptParameters } from './scryptParameters.ts';
import { secretCopy, wipe } from './secretBytes.ts';

/** What the worker thread is started with. The passphrase is moved, not copied. */
export interface ScryptJob {
  readonly role: 'scrypt';
  readonly passphrase: Uint8Array<ArrayBuffer>;
  readonly salt: Uint8Array;
  readonly parameters: ScryptParameters;
  /** Bytes to derive. */
  readonly length: number;
}

/** The body of a worker thread with the role `scrypt`: derives once, wipes the passphrase, hands the bytes over and ends. */
export function runScryptWorker(): void {
  const job: unknown = workerData;
  if (!isScryptJob(job) || parentPort === null) throw new TypeError('not started as a scrypt worker');
  const { passphrase, salt, parameters, length } = job;
  try {
    const derived = deriveWithScrypt(passphrase, salt, parameters, length);
    parentPort.postMessage(derived, [derived.buffer]);
  } finally {
    wipe(passphrase);
  }
}

/** scrypt itself, blocking; the caller has looked at the parameters and wipes the result. */
export function deriveWithScrypt(
  passphrase: Uint8Array,
  salt: Uint8Array,
  parameters: ScryptParameters,
  length: number,
): Uint8Array<ArrayBuffer> {
  const { N, r, p } = parameters;
  const bytes = scryptSync(passphrase, salt, length, { N, r, p, maxmem: scryptMemory(parameters) });
  const derived = secretCopy(bytes);
  wipe(bytes);
  return derived;
}

export function isScryptAnswer(answer: unknown): answer is Uint8Array<ArrayBuffer> {
  return answer instanceof Uint8Array && answer.buffer instanceof ArrayBuffer;
}

function isScryptJob(data: unknown): data is ScryptJob {
  return typeof data === 'object' && data !== null && 'role' in data && data.role === 'scrypt';
}
