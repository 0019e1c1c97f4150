import { kmsConformance } from '../../support/kmsConformance.ts';
import { sharedMoto } from '../../support/servers/sharedServers.ts';

describe('AWS KMS as moto has it:', () => {
  kmsConformance(async (context) => {
    context.timeout(60_000);
    const { endpoint } = await sharedMoto(context);
    return { endpoint, region: 'eu-west-1' };
  });
});
