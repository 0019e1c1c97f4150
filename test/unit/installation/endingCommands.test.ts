import assert from 'node:assert/strict';
import { commandsToEnd } from '../../../daemon/installation/passkeys/endingCommands.ts';
import { newBinding, slotOf } from '../../support/kmsBench.ts';

function commandsFor(reference: { readonly keyArn: string; readonly region: string }): readonly string[] {
  return commandsToEnd(slotOf({ kind: 'awsKms', reference, wrapped: '' }, newBinding()), [], null);
}

describe('the command that ends a KMS key', () => {
  const keyArn = 'arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-1234567890ab';

  it('is told of a key, and of nothing else that a keyring from elsewhere may name', () => {
    assert.equal(commandsFor({ keyArn, region: 'eu-west-1' }).length, 1);
    for (const named of ['file:///home/me/.aws/credentials', '--cli-input-json', 'alias/backup', `${keyArn} `]) {
      assert.deepEqual(commandsFor({ keyArn: named, region: 'eu-west-1' }), [], named);
    }
    assert.deepEqual(commandsFor({ keyArn, region: 'file:x' }), []);
  });
});
