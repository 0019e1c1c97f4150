import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { problemAnswer, type KeyAgent, type KeyAgentAnswer } from '../../../../daemon/keys/agent/keyAgent.ts';
import type { ServiceSlot } from '../../../../daemon/keys/agent/keyAccess.ts';
import type { KeyAnswer } from '../../../../daemon/keys/agent/keyCall.ts';
import { keyProblemKinds } from '../../../../daemon/keys/agent/keyProblem.ts';
import { MasterKey } from '../../../../daemon/keys/masterKey.ts';
import { unwrapWithService, wrapWithService } from '../../../../daemon/keys/passkeys/serviceSlot.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { type InstallationId, idOf } from '../../../../protocol/ids.ts';
import type { KeyAccess, KeyTarget } from '../../../../protocol/keyServices.ts';

const installationId = idOf<InstallationId>(randomUUID());
const access: KeyAccess = { kind: 'awsKms', endpoint: null, credentials: { source: 'chain' } };
const target: KeyTarget = { kind: 'awsKms', keyId: 'alias/backup', region: 'eu-west-1' };
const { signal } = new AbortController();

const answer = (members: Partial<KeyAnswer>, plaintext?: Uint8Array<ArrayBuffer>): KeyAgentAnswer => ({
  answer: { problem: null, facts: null, wrapped: null, ...members },
  plaintext,
  [Symbol.dispose]() {},
});
const agentThat = (give: (plaintext: Uint8Array | undefined) => KeyAgentAnswer): KeyAgent => ({
  call: async (_call, secrets) => give(secrets.plaintext),
});

const copyOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes);

describe('a slot of a key service', () => {
  let masterKey: MasterKey;
  let wrappedPlaintext: Uint8Array<ArrayBuffer>;
  let slot: ServiceSlot;

  before(async () => {
    masterKey = MasterKey.generate(installationId);
    const agent = agentThat((plaintext) => {
      wrappedPlaintext = copyOf(plaintext ?? assert.fail());
      return answer({ wrapped: { kind: 'awsKms', reference: { keyArn: 'arn:x', region: 'eu-west-1' }, wrapped: 'AAAA' } });
    });
    slot = await wrapWithService({ masterKey, target, createdAt: new Date(0), agent, access, secrets: {}, signal });
  });
  after(() => masterKey[Symbol.dispose]());

  const unwrap = (plaintext: Uint8Array<ArrayBuffer> | undefined): Promise<MasterKey> =>
    unwrapWithService({ installationId, slot, agent: agentThat(() => answer({}, plaintext)), access, secrets: {}, signal });

  it('wraps the 41 bytes of the format, and opens to the same master key', async () => {
    assert.equal(wrappedPlaintext.length, 41);
    assert.deepEqual([slot.kind, slot.keyEpoch, slot.createdAt], ['awsKms', 1, '1970-01-01T00:00:00.000Z']);
    using opened = await unwrap(copyOf(wrappedPlaintext));
    assert.ok(opened.hasId(masterKey.masterKeyId));
  });

  const other = MasterKey.generate(installationId);
  const lies: Record<string, () => Uint8Array<ArrayBuffer> | undefined> = {
    nothing: () => undefined,
    'no bytes': () => new Uint8Array(),
    '32 bytes': () => copyOf(wrappedPlaintext.subarray(9)),
    '33 bytes': () => copyOf(wrappedPlaintext.subarray(8)),
    '42 bytes': () => Uint8Array.of(...wrappedPlaintext, 0),
    'another prefix': () => copyOf(wrappedPlaintext).fill(0x6e, 0, 1),
    'another epoch': () => copyOf(wrappedPlaintext).fill(2, 5, 6),
    'no epoch': () => copyOf(wrappedPlaintext).fill(0, 5, 9),
    'another master key': () => other.wrapPlaintext(),
  };
  for (const [title, lie] of Object.entries(lies)) {
    it(`D7: refuses ${title} from the service, with a reason`, async () => {
      await assert.rejects(unwrap(lie()), (error: unknown) => {
        assert.ok(HoldfastError.is(error, 'keyServiceRefused'));
        assert.equal(error.details?.['problem'], 'badAnswer');
        assert.match(error.message, /^Failed to open the passkey: .+\.$/);
        return error.fix !== undefined;
      });
    });
  }

  it('D7: refuses an answer to a wrapping that is no slot', async () => {
    const wrappings: readonly Partial<KeyAnswer>[] = [
      {},
      { wrapped: { kind: 'awsKms', reference: { keyArn: 'arn:x', region: 'r' }, wrapped: 'not base64' } },
      { wrapped: { kind: 'awsKms', reference: { keyArn: 'arn:x', region: 'r' }, wrapped: '' } },
      {
        wrapped: {
          kind: 'vaultTransit',
          reference: { address: 'https://v', namespace: null, mount: 'transit', key: 'k', version: 1 },
          wrapped: 'AAAA',
        },
      },
    ];
    for (const wrapping of wrappings) {
      const agent = agentThat(() => answer(wrapping));
      const wrap = wrapWithService({ masterKey, target, createdAt: new Date(), agent, access, secrets: {}, signal });
      await assert.rejects(wrap, { code: 'keyServiceRefused' });
    }
  });

  it('tells apart what waiting can cure from what somebody has to mend', async () => {
    const codes = new Map<string, string[]>();
    for (const kind of keyProblemKinds) {
      const agent = agentThat(() => problemAnswer(kind, 'it is so', 'Do that.'));
      await assert.rejects(unwrapWithService({ installationId, slot, agent, access, secrets: {}, signal }), (error: unknown) => {
        assert.ok(HoldfastError.is(error));
        assert.equal(error.details?.['problem'], kind);
        codes.set(error.code, [...(codes.get(error.code) ?? []), kind]);
        return error.message === 'Failed to open the passkey: it is so.' && error.fix === 'Do that.';
      });
    }
    assert.deepEqual(codes.get('keyServiceUnavailable'), ['throttled', 'unreachable', 'timeout', 'sealed', 'standby']);
    assert.equal((codes.get('keyServiceRefused') ?? []).length, keyProblemKinds.length - 5);
  });
});
