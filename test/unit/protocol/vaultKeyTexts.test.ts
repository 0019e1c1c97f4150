import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { vaultMinimumCommand, vaultRotateCommand } from '../../../protocol/keyCommands.ts';
import { vaultPolicy } from '../../../protocol/keyPolicies.ts';
import { keyTargetSchema, vaultAddressProblem } from '../../../protocol/keyServices.ts';
import { shellWord } from '../../../protocol/wording.ts';

const place = { address: 'https://vault.example.com:8200', namespace: null, mount: 'transit', key: 'k1' } as const;

describe('what an operator of Vault is told', () => {
  it('is the smallest policy that works', () => {
    assert.equal(
      vaultPolicy({ mount: 'team/transit', key: 'k1' }),
      `path "team/transit/encrypt/k1" {
  capabilities = ["update"]
}

path "team/transit/decrypt/k1" {
  capabilities = ["update"]
}

path "team/transit/keys/k1" {
  capabilities = ["read"]
}
`,
    );
  });

  it('is the exact command, with its flags before the path', () => {
    assert.equal(vaultRotateCommand(place), 'vault write -address=https://vault.example.com:8200 -f transit/keys/k1/rotate');
    assert.equal(
      vaultMinimumCommand({ ...place, namespace: 'team/a' }, 3),
      'vault write -address=https://vault.example.com:8200 -namespace=team/a transit/keys/k1/config min_decryption_version=3',
    );
  });

  it('reaches a shell as it is meant, whatever stands in a name', function () {
    if (process.platform === 'win32') this.skip();
    const text = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 30 }).filter((one) => !one.includes('\0'));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 8 }), (words) => {
        const line = words.map((word) => shellWord(word)).join(' ');
        const { stdout } = spawnSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`]);
        assert.deepEqual(stdout.toString('utf8').split('\0').slice(0, -1), words);
      }),
      { numRuns: 20 },
    );
    assert.equal(
      vaultRotateCommand({ ...place, key: "k'1" }),
      String.raw`vault write -address=https://vault.example.com:8200 -f 'transit/keys/k'\''1/rotate'`,
    );
  });
});

describe('a place of a key of Vault', () => {
  it('C9: is refused where a token would go to another machine in clear, to one of a cloud’s own addresses, or out of the mount', () => {
    const target = { kind: 'vaultTransit', ...place };
    assert.equal(keyTargetSchema.safeParse(target).success, true);
    for (const odd of [
      { address: 'http://vault.example.com:8200' },
      { address: 'https://169.254.169.254' },
      { address: 'https://u:p@vault.example.com' },
      { mount: '../auth' },
      { mount: 'a//b' },
      { key: '..' },
      { key: 'a/b' },
      { namespace: '../a' },
    ]) {
      assert.equal(keyTargetSchema.safeParse({ ...target, ...odd }).success, false, JSON.stringify(odd));
    }
  });

  it('is told as an address, with one of Vault for an example', () => {
    assert.equal(vaultAddressProblem('vault'), 'the address must be an address such as https://vault.example.com:8200');
    assert.equal(vaultAddressProblem('http://vault.example.com'), 'the address with plain http must be a loopback address; use https');
    assert.equal(vaultAddressProblem('http://127.0.0.1:8200'), undefined);
  });
});
