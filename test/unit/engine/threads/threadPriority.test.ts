import assert from 'node:assert/strict';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { lowerThreadPriority, lowPriority } from '../../../../daemon/engine/threads/threadPriority.ts';

const module = new URL('../../../../daemon/engine/threads/threadPriority.ts', import.meta.url).href;
const body = `
  const { readlinkSync } = await import('node:fs');
  const { getPriority } = await import('node:os');
  const { lowerThreadPriority } = await import(${JSON.stringify(module)});
  const isLowered = lowerThreadPriority();
  const priority = getPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)));
  (await import('node:worker_threads')).parentPort.postMessage({ isLowered, priority });`;

describe('priority of a thread', () => {
  it('is lowered for the calling thread alone', async function () {
    if (process.platform !== 'linux') this.skip();
    const before = getPriority(process.pid);
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(body)}`));
    const told = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    assert.deepEqual(told, { isLowered: true, priority: lowPriority });
    assert.equal(getPriority(process.pid), before, 'the process answers as before');
    await worker.terminate();
  });

  it('is left alone where a priority belongs to the whole process', () => {
    const before = getPriority(process.pid);
    for (const platform of ['darwin', 'win32'] as const) assert.equal(lowerThreadPriority(platform), false);
    assert.equal(getPriority(process.pid), before);
  });
});
