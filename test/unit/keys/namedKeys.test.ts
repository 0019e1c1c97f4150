import assert from 'node:assert/strict';
import { DrKey } from '../../../daemon/keys/dr/drKey.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import { namedKeys } from '../../../daemon/keys/namedKeys.ts';
import { candidateOf, installationId, newKeyring, vaultSlot } from './support/keyrings.ts';

describe('the keys outside that keyrings name', () => {
  it('C9: are those of keyrings of the recovery key alone, where that is held', async () => {
    using masterKey = MasterKey.generate(installationId);
    using foreignKey = MasterKey.generate(installationId);
    using drKey = DrKey.generate(installationId);
    assert.ok(vaultSlot.kind === 'vaultTransit');
    const own = { ...vaultSlot, reference: { ...vaultSlot.reference, address: 'https://vault.mine.example:8200' } };
    const candidates = [
      candidateOf(newKeyring(masterKey, 1, [own], [], drKey)),
      candidateOf(newKeyring(foreignKey, 2, [vaultSlot])),
      candidateOf(newKeyring(foreignKey, 3, [vaultSlot], [], DrKey.generate(installationId))),
    ];
    const addresses = async (held?: DrKey): Promise<readonly unknown[]> => {
      const { references } = await namedKeys({ installationId, candidates, drKey: held });
      return references.map(({ target }) => (target.kind === 'vaultTransit' ? target.address : target.kind));
    };
    assert.deepEqual(await addresses(drKey), ['https://vault.mine.example:8200']);
    assert.equal((await addresses()).length, 2);
  });
});
