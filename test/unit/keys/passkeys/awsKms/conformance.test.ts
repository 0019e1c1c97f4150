import { kmsConformance } from '../../../../support/kmsConformance.ts';
import { KmsWireServer } from '../../../../support/servers/kmsWire.ts';

describe('AWS KMS as the fake of its wire has it:', () => {
  let wire: KmsWireServer;
  after(async () => await wire[Symbol.asyncDispose]());

  kmsConformance(async () => {
    wire = await KmsWireServer.start();
    return wire;
  });
});
