import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { build } from 'esbuild';
import { ProcessKeyAgent } from '../../../daemon/keys/agent/keyAgent.ts';
import type { KeyAnswer, KeyCall } from '../../../daemon/keys/agent/keyCall.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import { WipedBytes } from '../../../daemon/keys/secretBytes.ts';
import type { AwsKmsSlot } from '../../../daemon/keys/slot.ts';
import { accessTo, canaries, givenSecrets, installationId, newBinding, slotOf } from '../../support/kmsBench.ts';
import { KmsWireServer, refusal } from '../../support/servers/kmsWire.ts';
import { sharedMoto } from '../../support/servers/sharedServers.ts';

const root = path.dirname(path.dirname(path.dirname(import.meta.dirname)));
const region = 'eu-west-1';
const { signal } = new AbortController();

/** The key agent of a folder's program, with an environment in which the SDK finds nothing of this machine. */
function agentOf(entryPath: string, more: Readonly<Record<string, string>> = {}): ProcessKeyAgent {
  const environment = { PATH: process.env['PATH'], HOME: os.tmpdir(), AWS_EC2_METADATA_DISABLED: 'true', ...more };
  return new ProcessKeyAgent({ entryPath, environment });
}

describe('a passkey of AWS KMS through the key agent’s process', function () {
  this.timeout(60_000);
  let endpoint: string;
  let client: KMSClient;
  let folder: string;
  const sources = path.join(root, 'daemon', 'keyAgent.ts');

  before(async function () {
    ({ endpoint } = await sharedMoto(this));
    client = new KMSClient({ endpoint, region, credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'test' } });
    folder = mkdtempSync(path.join(os.tmpdir(), 'hf-agent-'));
  });
  after(() => {
    client.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  const newKey = async (): Promise<string> => (await client.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';

  async function ask(agent: ProcessKeyAgent, call: KeyCall, plaintext?: Uint8Array): Promise<KeyAnswer> {
    using given = await agent.call(call, { ...givenSecrets, ...(plaintext === undefined ? {} : { plaintext }) }, signal);
    return given.answer;
  }

  async function wrapped(agent: ProcessKeyAgent, keyId: string, masterKey: MasterKey): Promise<AwsKmsSlot> {
    const target = { kind: 'awsKms', keyId, region } as const;
    const binding = { ...newBinding(), masterKeyId: Buffer.from(masterKey.masterKeyId).toString('base64') };
    using plaintext = new WipedBytes(masterKey.wrapPlaintext());
    const { wrapped: made } = await ask(agent, { call: 'wrap', target, access: accessTo(endpoint), binding }, plaintext.bytes);
    assert.ok(made);
    return slotOf(made, binding);
  }

  for (const [title, entry] of [
    ['from the sources', () => sources],
    ['as it ships, in pieces', async () => await bundled(folder)],
  ] as const) {
    it(`D6: a master key that was wrapped by an alias comes back, ${title}`, async () => {
      const agent = agentOf(await entry());
      const arn = await newKey();
      const alias = `alias/agent-${title.length}`;
      await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: arn }));
      using masterKey = MasterKey.generate(installationId);
      const slot = await wrapped(agent, alias, masterKey);
      assert.equal(slot.reference.keyArn, arn);
      using given = await agent.call({ call: 'unwrap', slot, access: accessTo(endpoint), installationId }, givenSecrets, signal);
      assert.ok(given.plaintext);
      using opened = MasterKey.fromWrapPlaintext(installationId, given.plaintext);
      assert.ok(opened?.hasId(masterKey.masterKeyId));
    });
  }

  it('credentials of the environment are the agent’s too', async () => {
    const arn = await newKey();
    const agent = agentOf(sources, { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test' });
    const call = { call: 'describe', target: { kind: 'awsKms', keyId: arn, region } } as const;
    const access = { kind: 'awsKms', endpoint, credentials: { source: 'chain' } } as const;
    const { facts } = await ask(agent, { ...call, access });
    assert.equal(facts?.kind === 'awsKms' && facts.keyArn, arn);
    assert.equal((await ask(agentOf(sources), { ...call, access })).problem?.kind, 'noCredentials');
  });

  it('a disabled key wraps nothing', async () => {
    const arn = await newKey();
    await client.send(new DisableKeyCommand({ KeyId: arn.replace(/^.*\//, '') }));
    const target = { kind: 'awsKms', keyId: arn, region } as const;
    const answer = await ask(
      agentOf(sources),
      { call: 'wrap', target, access: accessTo(endpoint), binding: newBinding() },
      Buffer.alloc(41),
    );
    assert.equal(answer.problem?.kind, 'keyDisabled');
  });

  it('K6 D7: what a lying service repeats of the credentials and the master key does not come back from the agent', async () => {
    await using wire = await KmsWireServer.start(region);
    const key = wire.createKey();
    const plaintext = Buffer.from('a canary that stands for a master key now');
    wire.lie = ({ action, raw }) => (action === 'Encrypt' ? refusal('ValidationException', `${canaries.join(' ')} ${raw}`) : undefined);
    const target = { kind: 'awsKms', keyId: key.arn, region } as const;
    const answer = await ask(agentOf(sources), { call: 'wrap', target, access: accessTo(wire.endpoint), binding: newBinding() }, plaintext);
    assert.equal(answer.problem?.kind, 'failed');
    const shown = JSON.stringify(answer);
    for (const secret of [...canaries, plaintext.toString('base64'), plaintext.toString()]) assert.ok(!shown.includes(secret), shown);
  });
});

/** As scripts/build.mjs does it. */
async function bundled(folder: string): Promise<string> {
  await build({
    absWorkingDir: root,
    entryPoints: { keyAgent: 'daemon/keyAgent.ts' },
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    splitting: true,
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  return path.join(folder, 'keyAgent.js');
}
