import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DrKey } from '../../../daemon/keys/dr/drKey.ts';
import { DrPassphrase } from '../../../daemon/keys/dr/drPassphrase.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import { wrapWithPassphrase } from '../../../daemon/keys/passkeys/passphrase.ts';
import { WorkerScryptRunner } from '../../../daemon/keys/scryptRunner.ts';
import { canReadMemory, formsOf, scanMemory } from '../../support/processMemory.ts';
import { createdAt, installationId, newKeyring, utf8 } from './support/keyrings.ts';

function ofKey(name: string, counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].filter(([form]) => form.startsWith(name)));
}

describe('the memory of a process', () => {
  it('K2 K3: holds the master key and the recovery key only while unlocked, never as text or in a heap snapshot, and no key at all once locked', async function scan() {
    if (!canReadMemory) return this.skip();
    this.timeout(60_000);
    using masterKey = MasterKey.generate(installationId);
    const raw = masterKey.wrapPlaintext().subarray(9);
    using recoveryKey = DrKey.generate(installationId);
    const allForms = new Map([
      ...formsOf('master key', raw),
      ...formsOf('recovery key', recoveryKey.wrapPlaintext().subarray(5)),
      ['bundle key raw', recoveryKey.bundleKey().export()],
      ['catalog key raw', masterKey.catalogKey().export()],
      ['keyring MAC key raw', masterKey.keyringMac().export()],
    ]);
    const scrypt = new WorkerScryptRunner(new URL('./support/scryptEntry.ts', import.meta.url));
    const slot = await wrapWithPassphrase({
      masterKey,
      passphrase: utf8('right'),
      scrypt,
      createdAt,
      parameters: { N: 2 ** 17, r: 8, p: 1 },
    });
    const keyring = Buffer.from(newKeyring(masterKey, 1, [slot])).toString('base64');

    using passphrase = await DrPassphrase.derive({ installationId, passphrase: utf8('recovery'), scrypt });
    const drSlot = Buffer.from(passphrase.wrap(recoveryKey, createdAt)).toString('base64');
    allForms.set('name key raw', passphrase.nameKey().export());

    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-memory-'));
    const child = spawn(process.execPath, [fileURLToPath(new URL('./support/unlockedProcess.ts', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const ask = async (command: string): Promise<ReadonlyMap<string, number>> => {
        child.stdin.write(`${command}\n`);
        const answer = await answers.next();
        assert.equal(answer.value, `${command.split(' ')[0]} done`);
        return scanMemory(child.pid ?? 0, allForms);
      };
      const unlocked = await ask(`unlock ${keyring}`);
      // One copy of the master key and no more, which shows that the scan sees; as text it is nowhere.
      const masterKeyFound = { 'master key raw': 1, 'master key first half': 1, 'master key second half': 1 };
      assert.deepEqual(ofKey('master key', unlocked), masterKeyFound);
      const deriving = await ask('derive');
      assert.deepEqual(ofKey('master key', deriving), masterKeyFound);
      assert.equal(deriving.get('catalog key raw'), 1);
      assert.deepEqual(ofKey('master key', await ask('work')), masterKeyFound);

      const recovering = await ask(`recover ${drSlot}`);
      assert.deepEqual(ofKey('recovery key', recovering), {
        'recovery key raw': 1,
        'recovery key first half': 1,
        'recovery key second half': 1,
      });
      assert.equal(recovering.get('name key raw'), 1);
      assert.deepEqual(ofKey('master key', recovering), masterKeyFound);

      const snapshotFile = path.join(folder, 'heap.heapsnapshot');
      await ask(`snapshot ${snapshotFile}`);
      const snapshot = readFileSync(snapshotFile);
      for (const [form, bytes] of allForms) assert.ok(!snapshot.includes(bytes), `${form} in the heap snapshot`);

      assert.deepEqual(Object.fromEntries(await ask('lock')), {}, 'once locked');

      await ask(`unlock ${keyring}`);
      assert.deepEqual(Object.fromEntries(await ask('lock')), {}, 'once locked again');
      return undefined;
    } finally {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
