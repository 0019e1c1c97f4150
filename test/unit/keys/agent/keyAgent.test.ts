import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ProcessKeyAgent } from '../../../../daemon/keys/agent/keyAgent.ts';
import type { KeyCall } from '../../../../daemon/keys/agent/keyCall.ts';

const describeCall: KeyCall = {
  call: 'describe',
  target: { kind: 'awsKms', keyId: 'alias/x', region: 'eu-west-1' },
  access: { kind: 'awsKms', endpoint: null, credentials: { source: 'chain' } },
};

const readAll = 'const pieces = []; for await (const piece of process.stdin) pieces.push(piece); const all = Buffer.concat(pieces);';
const answered = (body: string, secret = '""'): string =>
  `const secret = Buffer.from(${secret}); const head = Buffer.from(JSON.stringify({ body: ${body}, secrets: secret.length ? { plaintext: secret.length } : {} }));
   const size = Buffer.alloc(4); size.writeUInt32LE(head.length); process.stdout.write(Buffer.concat([size, head, secret]));`;
const nothing = '{ problem: null, facts: null, wrapped: null }';

describe('the key agent', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'hf-agent-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function agentOf(source: string, limitSeconds?: number): ProcessKeyAgent {
    const entryPath = path.join(folder, `${Math.random().toString(36).slice(2)}.mjs`);
    writeFileSync(entryPath, source);
    return new ProcessKeyAgent({
      entryPath,
      environment: { PATH: process.env['PATH'] },
      ...(limitSeconds === undefined ? {} : { limitSeconds }),
    });
  }

  it('gets the call and its secrets on standard input, and none of them in its arguments or environment', async () => {
    const agent = agentOf(
      `${readAll} const clean = !process.argv.join(' ').includes('hunter2') && !JSON.stringify(process.env).includes('hunter2');
       ${answered(nothing, "String(clean && all.includes('hunter2'))")}`,
    );
    using given = await agent.call(describeCall, { token: Buffer.from('hunter2') }, new AbortController().signal);
    assert.equal(Buffer.from(given.plaintext ?? []).toString(), 'true');
    assert.deepEqual(given.answer, { problem: null, facts: null, wrapped: null });
  });

  it('D7: that gives no answer in its time is ended, and said to have given none', async () => {
    const agent = agentOf('setInterval(() => {}, 1000);', 0.4);
    using given = await agent.call(describeCall, {}, new AbortController().signal);
    assert.equal(given.answer.problem?.kind, 'timeout');
  });

  it('D7: that answers a megabyte is ended', async () => {
    const agent = agentOf('process.stdout.write(Buffer.alloc(1 << 20)); setInterval(() => {}, 1000);');
    using given = await agent.call(describeCall, {}, new AbortController().signal);
    assert.equal(given.answer.problem?.kind, 'badAnswer');
  });

  it('ends with the caller’s abort', async () => {
    const agent = agentOf('setInterval(() => {}, 1000);');
    const controller = new AbortController();
    const call = agent.call(describeCall, {}, controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(call, /enough/);
  });

  it('that ends without an answer, or with something else, is an error of its own', async () => {
    for (const source of ['process.exit(1)', 'process.stdout.write("{}")', answered('{ problem: 1 }')]) {
      await assert.rejects(agentOf(source).call(describeCall, {}, new AbortController().signal), { code: 'failed' });
    }
  });
});
