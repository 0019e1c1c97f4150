import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KeyServiceFailure } from '../../../../../daemon/keys/agent/keyProblem.ts';
import { logIn } from '../../../../../daemon/keys/passkeys/vaultTransit/vaultLogin.ts';
import { VaultSession } from '../../../../../daemon/keys/passkeys/vaultTransit/vaultSession.ts';
import { VaultText } from '../../../../../daemon/keys/passkeys/vaultTransit/vaultText.ts';
import { VaultTransport } from '../../../../../daemon/keys/passkeys/vaultTransit/vaultTransport.ts';

const address = 'https://vault.example:8200';
const elsewhere = 'https://prod.example:8200';
type Environment = Readonly<Record<string, string>>;

describe('the login at Vault with what the daemon finds around it', () => {
  let home: string;
  before(() => {
    home = mkdtempSync(path.join(tmpdir(), 'hf-login-'));
    writeFileSync(path.join(home, '.vault-token'), 'of-a-file\n', { mode: 0o600 });
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  /** The token, or why there is none. */
  async function found(environment: Environment): Promise<unknown> {
    const target = { kind: 'vaultTransit', address, namespace: null, mount: 'transit', key: 'k' } as const;
    using transport = new VaultTransport({ address, authorities: undefined, limits: { connect: 1, answer: 1 }, environment });
    const session = new VaultSession({ target, transport, text: new VaultText() });
    try {
      return (await logIn({ method: 'environment' }, session, { address, secrets: {}, environment, home })).token;
    } catch (error) {
      return error;
    }
  }

  it('C9: gives a token, that of "vault login" too, to the address that it is for and to no other', async () => {
    const others: readonly Environment[] = [
      { VAULT_ADDR: elsewhere, VAULT_TOKEN: 'canary' },
      { BAO_ADDR: `${elsewhere}/`, VAULT_TOKEN: 'canary' },
      { VAULT_ADDR: elsewhere },
      // Each token is for the address of its own program.
      { VAULT_ADDR: elsewhere, VAULT_TOKEN: 'canary', BAO_ADDR: address },
    ];
    for (const environment of others) {
      const failure = await found(environment);
      assert.ok(failure instanceof KeyServiceFailure, String(failure));
      assert.equal(failure.problem.kind, 'noCredentials');
      for (const place of [address, elsewhere]) assert.ok(failure.problem.reason.includes(place), failure.problem.reason);
    }
    const own: readonly (readonly [environment: Environment, token: string])[] = [
      [{ VAULT_ADDR: 'HTTPS://Vault.example:8200/', VAULT_TOKEN: 'v' }, 'v'],
      [{ VAULT_ADDR: elsewhere, VAULT_TOKEN: 'canary', BAO_ADDR: address, BAO_TOKEN: 'b' }, 'b'],
      [{ BAO_ADDR: address }, 'of-a-file'],
      [{ VAULT_TOKEN: 'v' }, 'v'],
      [{ VAULT_ADDR: ' ', VAULT_TOKEN: '' }, 'of-a-file'],
    ];
    for (const [environment, token] of own) assert.equal(await found(environment), token);
  });

  it('says that no login was given where not even "vault login" has left a token', async () => {
    rmSync(path.join(home, '.vault-token'));
    const failure = await found({});
    assert.ok(failure instanceof KeyServiceFailure, String(failure));
    assert.deepEqual(
      [failure.problem.kind, failure.problem.fix],
      ['noCredentials', 'Log in with "vault login", or give a login: a token file or an AppRole, for example.'],
    );
  });

  it('C9: an address that can not be one is nobody’s, and is not shown', async () => {
    for (const odd of ['\u0000'.repeat(9000), 'http://vault.example', 'vault.example:8200']) {
      const failure = await found({ VAULT_ADDR: odd, VAULT_TOKEN: 'canary' });
      assert.ok(failure instanceof KeyServiceFailure, String(failure));
      assert.match(failure.problem.reason, /is for something that is no address of a Vault .* is at https:\/\/vault\.example:8200$/);
    }
  });
});
