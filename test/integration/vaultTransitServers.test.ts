import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { vaultPolicy } from '../../protocol/keyPolicies.ts';
import { OpenBaoServer } from '../support/servers/openBaoServer.ts';
import { serverProgramsFor } from '../support/servers/serverPrograms.ts';
import { bundleKeyAgent } from '../support/bundledKeyAgent.ts';
import { refusalOf, VaultBench } from '../support/vaultBench.ts';

describe('an OpenBao of its own', () => {
  let entryPath: string;
  before(() => {
    entryPath = bundleKeyAgent();
  });

  it('D6: that is sealed says so; unsealed, it opens what it wrapped before; that is down is unreachable', async function () {
    await using server = await OpenBaoServer.start(serverProgramsFor(this), 'disk');
    await server.createKey('k1');
    const token = await server.createToken(vaultPolicy({ mount: 'transit', key: 'k1' }));
    const user = new VaultBench({ server, entryPath, key: 'k1', token });
    const slot = await user.wrap();
    await server.seal();
    assert.equal((await refusalOf(user.unwrap(slot))).kind, 'sealed');
    await server.unseal();
    assert.deepEqual(await user.unwrap(slot), [...user.plaintext]);
    await server.stop();
    assert.equal((await refusalOf(user.unwrap(slot))).kind, 'unreachable');
    await server.startAgain();
    assert.equal((await refusalOf(user.describe())).kind, 'sealed');
    await server.unseal();
    assert.deepEqual(await user.unwrap(slot), [...user.plaintext]);
  });

  it('whose certificate nobody here signed is not spoken to, unless the CA file names its authority', async function () {
    await using server = await OpenBaoServer.start(serverProgramsFor(this), 'tls');
    await server.createKey('k1');
    const options = { server, entryPath, key: 'k1', token: server.rootToken };
    const untrusted = await refusalOf(new VaultBench(options).describe());
    assert.equal(untrusted.kind, 'certificate');
    assert.match(untrusted.fix, /CA file/);
    const user = new VaultBench({ ...options, access: { caFile: server.caFile } });
    assert.deepEqual(await user.unwrap(await user.wrap()), [...user.plaintext]);

    const empty = path.join(path.dirname(server.caFile), 'empty.pem');
    for (const content of ['', 'no certificate', undefined]) {
      if (content !== undefined) writeFileSync(empty, content);
      const caFile = content === undefined ? `${empty}.missing` : empty;
      assert.equal((await refusalOf(new VaultBench({ ...options, access: { caFile } }).describe())).kind, 'certificate');
    }
    const plain = { address: server.address.replace('https:', 'http:') };
    assert.equal((await refusalOf(new VaultBench({ ...options, target: plain }).describe())).kind, 'badAnswer');
  });
});
