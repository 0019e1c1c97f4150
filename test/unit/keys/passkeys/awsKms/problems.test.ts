import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { inspect } from 'node:util';
import { isPassing, type KeyProblemKind, KeyServiceFailure } from '../../../../../daemon/keys/agent/keyProblem.ts';
import type { AwsKmsSlot } from '../../../../../daemon/keys/slot.ts';
import { canaries, installationId, newBinding, openAt, problemOf, SleptTime, unwrapAt, wrapAt } from '../../../../support/kmsBench.ts';
import { testCertificate, testKey } from '../../../../support/tlsIdentity.ts';
import { KmsWireServer, refusal, type WireKey, type WireReply } from '../../../../support/servers/kmsWire.ts';

const plaintext = Buffer.from('forty-one bytes that stand for a key here');

describe('AWS KMS that does not unwrap', () => {
  let wire: KmsWireServer;
  let key: WireKey;
  let slot: AwsKmsSlot;
  beforeEach(async () => {
    wire = await KmsWireServer.start();
    key = wire.createKey();
    slot = await wrapAt(wire, key.arn, plaintext);
    wire.requests.splice(0);
  });
  afterEach(async () => await wire[Symbol.asyncDispose]());

  for (const [name, kind] of [
    ['NotFoundException', 'keyMissing'],
    ['AccessDeniedException', 'accessDenied'],
    ['IncorrectKeyException', 'notOurs'],
    ['InvalidCiphertextException', 'notOurs'],
    ['InvalidKeyUsageException', 'wrongKeyType'],
    ['ThrottlingException', 'throttled'],
    ['LimitExceededException', 'throttled'],
    ['KMSInternalException', 'unreachable'],
    ['DependencyTimeoutException', 'unreachable'],
    ['KeyUnavailableException', 'unreachable'],
    ['ExpiredTokenException', 'tokenExpired'],
    ['UnrecognizedClientException', 'badLogin'],
    ['InvalidSignatureException', 'badLogin'],
    ['MissingAuthenticationTokenException', 'badLogin'],
    ['DisabledException', 'keyDisabled'],
    ['SomethingNewException', 'failed'],
  ] as const satisfies readonly (readonly [string, KeyProblemKind])[]) {
    it(`D6: with ${name} is told as ${kind}`, async () => {
      wire.lie = ({ action }) => (action === 'Decrypt' ? refusal(name, 'text of the service') : undefined);
      assert.equal((await problemOf(unwrapAt(wire, slot))).kind, kind);
    });
  }

  it('D6: for want of a right is told with the right', async () => {
    wire.denied.add('Decrypt');
    assert.match((await problemOf(unwrapAt(wire, slot))).reason, /^kms:Decrypt on arn:aws:kms:/);
    wire.denied.add('DescribeKey');
    assert.match((await problemOf((await openAt(wire, key.arn)).wrap(plaintext, newBinding()))).reason, /^kms:DescribeKey on /);
    wire.denied.delete('DescribeKey');
    wire.denied.add('Encrypt');
    assert.match((await problemOf((await openAt(wire, key.arn)).wrap(plaintext, newBinding()))).reason, /^kms:Encrypt on /);
  });

  it('D6: since the key is disabled says so, with the command that enables it', async () => {
    key.state = 'Disabled';
    const problem = await problemOf(unwrapAt(wire, slot));
    assert.deepEqual([problem.kind, problem.until], ['keyDisabled', null]);
    assert.equal(problem.command, `aws kms enable-key --key-id ${key.arn} --region eu-test-1 --endpoint-url ${wire.endpoint}`);
  });

  it('D6: since the key is going to be deleted tells the date, where it may be read', async () => {
    key.state = 'PendingDeletion';
    key.deletionDate = new Date('2031-02-03T04:05:06Z');
    const problem = await problemOf(unwrapAt(wire, slot));
    assert.deepEqual([problem.kind, problem.until], ['pendingDeletion', '2031-02-03T04:05:06.000Z']);
    assert.match(problem.command ?? '', /^aws kms cancel-key-deletion .* && aws kms enable-key /);
    wire.denied.add('DescribeKey');
    const dark = await problemOf(unwrapAt(wire, slot));
    assert.equal(dark.kind, 'failed');
    assert.match(dark.reason, /KMSInvalidStateException/);
  });

  it('D6: but throttles at first is asked again', async () => {
    wire.throttledTimes = 3;
    const time = new SleptTime();
    assert.deepEqual(Buffer.from(await unwrapAt(wire, slot, time.surroundings)), plaintext);
    assert.equal(wire.requests.length, 4);
  });

  it('D6: and throttles on is given up within ten seconds, and is worth trying later', async () => {
    wire.throttledTimes = Number.POSITIVE_INFINITY;
    const time = new SleptTime();
    const { kind } = await problemOf(unwrapAt(wire, slot, time.surroundings));
    assert.ok(kind === 'throttled' && isPassing(kind));
    assert.ok(time.milliseconds <= 10_000 && wire.requests.length <= 6, `${time.milliseconds} ms, ${wire.requests.length} requests`);
  });

  it('D6: and asks to wait for longer than there is time is given up at once', async () => {
    wire.lie = () => ({ ...refusal('ThrottlingException', ''), headers: { 'retry-after': '30' } });
    assert.equal((await problemOf(unwrapAt(wire, slot))).kind, 'throttled');
    assert.equal(wire.requests.length, 1);
  });

  it('D6: since the connection breaks is asked again', async () => {
    let broken = 0;
    wire.lie = () => ((broken += 1) <= 2 ? 'cut' : undefined);
    assert.deepEqual(Buffer.from(await unwrapAt(wire, slot)), plaintext);
  });

  it('D6: since nobody listens is unreachable, with the host', async () => {
    const { endpoint, region } = wire;
    await wire[Symbol.asyncDispose]();
    const problem = await problemOf((await openAt({ endpoint, region }, key.arn)).unwrap(slot, installationId));
    assert.equal(problem.kind, 'unreachable');
    assert.match(problem.reason, new RegExp(`^${new URL(endpoint).host} .*ECONNREFUSED`));
    wire = await KmsWireServer.start();
  });

  it('D6: whose certificate nobody vouches for gets nothing, and the certificate is named as the cause', async () => {
    let asked = 0;
    const server = createTlsServer({ cert: testCertificate, key: testKey }, () => (asked += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const endpoint = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const { kind } = await problemOf((await openAt({ endpoint, region: wire.region }, key.arn)).unwrap(slot, installationId));
    const plain = await problemOf(
      (await openAt({ endpoint: wire.endpoint.replace('http:', 'https:'), region: wire.region }, key.arn)).describe(),
    );
    await new Promise((resolve) => server.close(resolve));
    assert.deepEqual([kind, plain.kind, asked], ['certificate', 'certificate', 0]);
  });

  it('D7: that is silent is cut off', async () => {
    wire.lie = () => 'silence';
    const { kind } = await problemOf(unwrapAt(wire, slot, { ...new SleptTime().surroundings, attemptLimit: 50 }));
    assert.equal(kind, 'timeout');
  });

  for (const [title, reply, kind] of [
    ['a page in HTML', { body: '<html>welcome</html>' }, 'badAnswer'],
    ['a list', { body: '[]' }, 'badAnswer'],
    ['JSON that is cut off', { body: '{"Plaintext":"AAAA' }, 'badAnswer'],
    ['nothing', { body: '' }, 'badAnswer'],
    ['a megabyte of an error', { ...refusal('NotFoundException', 'x'.repeat(1 << 20)) }, 'badAnswer'],
    ['a refusal that is a page', { status: 404, body: '<html>no</html>' }, 'badAnswer'],
    ['a gateway’s page', { status: 502, body: '<html>bad gateway</html>' }, 'unreachable'],
    ['too many requests from a proxy', { status: 429, body: 'slow' }, 'throttled'],
  ] as const satisfies readonly (readonly [string, WireReply, KeyProblemKind])[]) {
    it(`D7: but answers ${title} is told as ${kind}`, async () => {
      wire.lie = () => reply;
      assert.equal((await problemOf(unwrapAt(wire, slot))).kind, kind);
    });
  }

  for (const status of [301, 302, 307, 308]) {
    it(`D7: but sends elsewhere with status ${status} is not followed`, async () => {
      let asked = 0;
      const elsewhere = createServer((_, response) => {
        asked += 1;
        response.end('{}');
      });
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
      const address = elsewhere.address();
      const location = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
      wire.lie = () => ({ status, headers: { location }, body: '{}' });
      const { kind } = await problemOf(unwrapAt(wire, slot));
      await new Promise((resolve) => elsewhere.close(resolve));
      assert.deepEqual([kind, asked], ['badAnswer', 0]);
    });
  }

  it('K6: and repeats what it was sent gives none of it to a problem, whatever it answers', async () => {
    const secrets = [...canaries, plaintext.toString('base64'), plaintext.toString('hex')];
    const replies: ((raw: string) => WireReply)[] = [
      'AccessDeniedException',
      'InvalidSignatureException',
      'ValidationException',
      'KMSInvalidStateException',
      'UnrecognizedClientException',
      'SomethingNewException',
    ].map((name) => (raw) => refusal(name, `${secrets.join(' ')} ${raw}`));
    replies.push(
      (raw) => ({ status: 500, body: raw }),
      (raw) => ({ status: 400, body: raw }),
      (raw) => ({ body: JSON.stringify({ Plaintext: { raw }, KeyId: raw }) }),
      (raw) => ({ body: JSON.stringify({ Plaintext: raw, CiphertextBlob: raw }) }),
      (raw) => refusal(raw, raw),
      (raw) => ({ status: 418, body: JSON.stringify({ __type: canaries[0], message: raw, code: canaries[1] }) }),
    );
    for (const reply of replies) {
      wire.lie = ({ action, raw }) => (action === 'DescribeKey' ? undefined : reply(raw));
      for (const call of [unwrapAt(wire, slot), wrapAt(wire, key.arn, plaintext)]) {
        const shown = JSON.stringify(await problemOf(call));
        for (const secret of secrets) assert.ok(!shown.includes(secret), `${secret} in ${shown}`);
      }
    }
  });

  it('what it says is told in one line, without what could be a piece of a secret, and cut', async () => {
    const said = `first\u001b[31m line\r\n\u202esecond AQICAHjcanaryAAAAAAAAAAAAAAAAAA ${'long word '.repeat(100)}`;
    wire.lie = () => refusal('ValidationException', said);
    const { kind, reason } = await problemOf(unwrapAt(wire, slot));
    assert.equal(kind, 'failed');
    assert.match(reason, /"first \[31m line second … long word/);
    assert.ok(reason.length < 400 && !/[\p{Cc}\p{Cf}]/u.test(reason), inspect(reason));
  });

  it('fails with nothing but problems, whatever bytes it answers', async () => {
    for (const body of ['null', '0', '"x"', '{"__type":5}', '{"__type":null,"message":7}', '{"Plaintext":"%%%"}', '\ufeff{}']) {
      for (const status of [200, 400, 500]) {
        wire.lie = () => ({ status, body });
        await assert.rejects(unwrapAt(wire, slot), KeyServiceFailure, `${status} ${body}`);
      }
    }
  });
});
