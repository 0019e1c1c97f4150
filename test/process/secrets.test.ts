import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RawData } from 'ws';
import { DaemonConnection } from '../../client/connection.ts';
import { dial } from '../../client/dial.ts';
import type { MasterKey } from '../../daemon/keys/masterKey.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type PolicyId } from '../../protocol/ids.ts';
import type { Method, SecretRef } from '../../protocol/method.ts';
import { actionCancel, actionFindings, actionList, actionShow } from '../../protocol/methods/actions.ts';
import { methods } from '../../protocol/methods/index.ts';
import {
  immutabilityAbsence,
  immutabilityAudit,
  immutabilityRefresh,
  immutabilityStatus,
  locationProveLock,
} from '../../protocol/methods/immutability.ts';
import {
  locationAdd,
  locationCheckPlace,
  locationEdit,
  locationList,
  locationRemove,
  locationValidate,
} from '../../protocol/methods/locations.ts';
import { alertAcknowledge, alertList, alertSnooze } from '../../protocol/methods/alerts.ts';
import { auditList, auditVerify } from '../../protocol/methods/auditLog.ts';
import { sessionAutoLock } from '../../protocol/methods/autoLock.ts';
import { sessionClaim } from '../../protocol/methods/claim.ts';
import { locationCollectGarbage } from '../../protocol/methods/garbage.ts';
import { policyRetention } from '../../protocol/methods/retention.ts';
import { diagnosticsCollect } from '../../protocol/methods/diagnostics.ts';
import { logRead } from '../../protocol/methods/log.ts';
import { unattendedOff, unattendedSet } from '../../protocol/methods/unattended.ts';
import {
  passkeyAdd,
  passkeyAddPassphrase,
  passkeyCheck,
  passkeyGate,
  passkeyList,
  passkeyRetire,
  passkeyRotate,
  passkeySchedule,
  passkeyUse,
  passkeyVerify,
} from '../../protocol/methods/passkeys.ts';
import { recoveryBackup, recoveryDisable, recoveryEnable, recoveryStatus } from '../../protocol/methods/disasterRecovery.ts';
import { policyExport, policyImport } from '../../protocol/methods/migration.ts';
import {
  policyCreate,
  policyDelete,
  policyEdit,
  policyList,
  policyPause,
  policyResume,
  policyShow,
} from '../../protocol/methods/policies.ts';
import { recoveryImportStored } from '../../protocol/methods/recovery.ts';
import {
  restorePointCat,
  restorePointDiff,
  restorePointDump,
  restorePointFileHistory,
  restorePointFiles,
  restorePointPin,
  restorePointPolicies,
  restorePointRetire,
  restorePointShow,
  restorePointStat,
  restorePointUnpin,
} from '../../protocol/methods/restorePoints.ts';
import { sessionLock, sessionMakeWay, sessionStatus, sessionStepUp, sessionUnlock } from '../../protocol/methods/session.ts';
import { frameBytes } from '../../protocol/webSocketMessages.ts';
import { within } from '../support/channel.ts';
import { ConnectedDaemon } from '../support/connectedDaemon.ts';
import { DaemonProcess } from '../support/daemonProcess.ts';
import { succeeded } from '../support/drivenDaemon.ts';
import { formsIn, formsOfKeys, masterKeyOf } from '../support/keyMaterial.ts';
import { canReadMemory, formsOf, scanMemory } from '../support/processMemory.ts';
import { endProcess } from '../support/processes.ts';
import { KmsWireServer } from '../support/servers/kmsWire.ts';
import type { SeaweedServer } from '../support/servers/seaweedServer.ts';
import { sharedSeaweed } from '../support/servers/sharedServers.ts';

/** Long and odd enough to be found nowhere by chance, neither whole nor by halves. */
const serviceSecret = 'canary/of/a/key/service/0123456789abcdef';

const passphrases = {
  first: 'zebra-kelp-91-orbit-first-canary',
  second: 'walnut-fjord-47-second-canary',
  rotated: 'quartz-lemur-63-rotated-canary',
  recovery: 'mango-glacier-22-recovery-canary',
  wrong: 'iguana-tulip-85-never-right-canary',
  misplaced: 'otter-magnet-29-in-the-wrong-place-canary',
} as const;
const plaintext = 'what stands in a file is nobody’s business: plaintext canary 5519';

/** Remembers which methods were called, and all that the daemon sent. */
class Watched extends ConnectedDaemon {
  readonly called = new Set<string>();

  override call<Params, Result>(method: Method<Params, Result>, params: Params): Promise<Result> {
    this.called.add(method.name);
    return super.call(method, params);
  }
}

describe('secrets of a daemon process', function () {
  this.timeout(180_000);
  const frames: Buffer[] = [];
  let host: DaemonProcess;
  let other: DaemonProcess;
  let daemon: Watched;
  let store = '';
  let source = '';
  let policyId: PolicyId;
  let masterKey: MasterKey | undefined;
  let seaweed: SeaweedServer;
  let bucketSecret = '';
  let forms: ReadonlyMap<string, Buffer> = new Map();
  const called = new Set<string>();

  before(async function () {
    if (!canReadMemory) this.skip();
    seaweed = await sharedSeaweed(this);
    host = new DaemonProcess();
    other = new DaemonProcess();
    source = path.join(host.folder, 'source');
    store = path.join(host.folder, 'store');
    for (const folder of [source, store]) mkdirSync(folder);
    for (let file = 0; file < 50; file += 1) writeFileSync(path.join(source, `file ${file}`), `${file} ${plaintext}\n`.repeat(500));
    daemon = await watch(host);
    await daemon.init(passphrases.first);
    await daemon.addLocation(store);
    policyId = idOf<PolicyId>((await daemon.createPolicy(source)).policyId);
    await daemon.backUp();
    masterKey = await masterKeyOf(store, passphrases.first);
    forms = new Map([
      ...formsOfKeys(masterKey, policyId),
      ...Object.entries(passphrases).flatMap(([name, text]) => [...formsOf(`passphrase ${name}`, Buffer.from(text))]),
    ]);
  });

  after(async () => {
    masterKey?.[Symbol.dispose]();
    for (const each of [host, other]) await each?.[Symbol.asyncDispose]();
  });

  /** Starts the daemon at the most talkative log level; every frame that it sends is kept. */
  async function watch(process: DaemonProcess): Promise<Watched> {
    await (await process.connect(['--log-level', 'trace']))[Symbol.asyncDispose]();
    let connection: DaemonConnection | undefined;
    await dial(process.endpoint, (socket, secretKey) => {
      connection = new DaemonConnection(socket, secretKey);
      socket.on('message', (data: RawData) => frames.push(Buffer.from(frameBytes(data))));
    });
    assert.ok(connection);
    await connection.hello('test');
    return new Watched(connection);
  }

  /** An immutable location whose keys are sealed, and everything that is done with its locks. */
  async function useBucket(): Promise<void> {
    const { name: bucket, region, endpoint, accessKeyId, secretAccessKey } = await seaweed.createBucket();
    const spec = { kind: 's3', bucket, region, endpoint, credentials: { source: 'sealed' } } as const;
    const keys = (): SecretRef => daemon.secret(JSON.stringify({ accessKeyId, secretAccessKey }));
    await daemon.call(locationCheckPlace, { spec, keys: keys() });
    const { location } = await daemon.call(locationAdd, { name: 'vault', spec, keys: keys(), protectionPeriodDays: 1 });
    assert.equal(location?.lockMode, 'compliance');
    succeeded(await daemon.ended(await daemon.call(locationProveLock, { ...request(), location: 'vault' })));
    succeeded(await daemon.ended(await daemon.call(immutabilityRefresh, { ...request(), location: 'vault' })));
    succeeded(await daemon.ended(await daemon.call(immutabilityAudit, { ...request(), location: 'vault' })));
    await daemon.call(immutabilityStatus, {});
    await daemon.call(immutabilityAbsence, { days: 1 });
    await daemon.call(locationRemove, { location: 'vault', confirmed: true });
    bucketSecret = secretAccessKey;
  }

  async function useKeyService(): Promise<void> {
    await using kms = await KmsWireServer.start();
    const target = { kind: 'awsKms', keyId: kms.createKey().arn, region: kms.region } as const;
    const access = { kind: 'awsKms', endpoint: kms.endpoint, credentials: { source: 'given' } } as const;
    const credentials = (): SecretRef =>
      daemon.secret(JSON.stringify({ kind: 'awsKms', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: serviceSecret }));
    const { checks } = await daemon.call(passkeyCheck, { target, access, credentials: credentials() });
    assert.deepEqual(
      checks.map(({ result }) => result),
      ['passed', 'passed'],
    );
    await daemon.call(passkeyAdd, { ...request(), name: 'kms', target, access, credentials: credentials(), useNow: false });
    await daemon.call(passkeySchedule, { passkey: 'kms', everyDays: 90 });
    const { steps } = await daemon.call(passkeyRotate, { ...request(), passkey: 'kms' });
    assert.equal(steps.length, 2);
    assert.equal((await daemon.call(passkeyGate, { passkey: 'kms' })).allowed, false);
  }

  /** Bundles are among the files that are looked through afterwards. */
  async function recover(): Promise<void> {
    const usual = { location: 'store', schedule: '@hourly', afterBackups: true, confirmed: true };
    const first = await daemon.call(recoveryEnable, { ...request(), ...usual, passphrase: daemon.secret(passphrases.recovery) });
    succeeded(await daemon.ended(first));
    succeeded(await daemon.ended(await daemon.call(recoveryBackup, request())));
    assert.equal((await daemon.call(recoveryStatus, {})).validTimes, 2);
    await daemon.call(recoveryDisable, { confirmed: true });
  }

  /** The one secret that the daemon gives away: sealed for the session, and from here on looked for everywhere. */
  async function migrate(): Promise<void> {
    const { connection } = daemon;
    const { data } = await daemon.call(policyExport, { policy: 'papers', expiresIn: 3600 });
    const text = await connection.readSecret(data);
    const key = masterKey?.policyKey(policyId, 1).export() ?? assert.fail();
    const payload = Buffer.from(text.toString('ascii').split('\n').slice(1, -2).join(''), 'base64');
    assert.ok(payload.includes(key));
    const line = text.toString('ascii').split('\n').at(-4) ?? '';
    forms = new Map([...forms, ...formsOf('policy key', key), ['a line of import data', Buffer.from(line)]]);
    const own = daemon.call(policyImport, { data: connection.sendSecret(text), location: 'store', pollSeconds: null });
    await assert.rejects(own, (error) => HoldfastError.is(error, 'refusedByRule'));
  }

  it('K5: no answer of a whole run of every method holds a key, what is derived from it, or a passphrase', async () => {
    const { connection } = daemon;
    const first = (await daemon.backUp()).restorePointId ?? '';
    writeFileSync(path.join(source, 'file 0'), 'another text');
    const { actionId } = await daemon.startBackup();
    succeeded(await daemon.ended({ actionId }));
    await daemon.verify(first);
    succeeded(await daemon.restore(first, path.join(host.folder, 'target')));
    await daemon.restorePoints();
    await daemon.call(restorePointShow, { restorePoint: first });
    await daemon.call(restorePointFiles, { restorePoint: first, recursive: true });
    const text = await readAll(connection.stream(await daemon.call(restorePointCat, { restorePoint: first, path: 'file 0' })));
    assert.ok(text.includes(plaintext));
    await readAll(connection.stream(await daemon.call(restorePointDump, { restorePoint: first, format: 'tar' })));
    await daemon.call(restorePointDiff, { restorePoint: first, against: 'source' });
    await daemon.call(restorePointFileHistory, { path: path.join(source, 'file 0') });
    await daemon.call(restorePointPin, { restorePoint: first });
    await daemon.call(restorePointUnpin, { restorePoint: first });
    await daemon.call(restorePointStat, { restorePoint: first, path: 'file 0' });
    await daemon.call(restorePointPolicies, {});
    await daemon.call(restorePointRetire, { restorePoint: first, confirmed: true });
    succeeded(await daemon.ended(await daemon.call(locationCollectGarbage, { ...request(), location: 'store', dryRun: false })));
    await daemon.call(policyRetention, { policy: 'files' });
    await daemon.call(policyPause, { policy: 'files' });
    await daemon.call(policyResume, { policy: 'files' });
    await daemon.call(policyEdit, { policy: 'files', before: { command: 'echo a hook that fails >&2; exit 3', timeLimit: 60 } });
    assert.equal((await daemon.ended(await daemon.startBackup())).error?.code, 'hookFailed');
    await daemon.call(policyEdit, { policy: 'files', before: null });
    const [raised] = (await daemon.call(alertList, { all: false })).items;
    await daemon.call(alertSnooze, { alert: raised?.id ?? '', for: 60 });
    await daemon.call(alertAcknowledge, { alert: raised?.id ?? '' });
    await daemon.call(sessionClaim, { role: 'notifier' });

    const passphrase = daemon.secret(passphrases.second);
    await daemon.call(passkeyAddPassphrase, { ...request(), name: 'second', passphrase, useNow: false });
    await daemon.call(passkeyVerify, { passkey: 'second', passphrase: daemon.secret(passphrases.second) });
    await daemon.call(passkeyUse, { passkey: 'second' });
    await daemon.call(passkeyRotate, { ...request(), passkey: 'second', passphrase: daemon.secret(passphrases.rotated) });
    const { items: passkeys } = await daemon.call(passkeyList, {});
    const old = passkeys.find(({ name, state }) => name !== 'main' && name !== 'second' && state === 'ready');
    await daemon.call(passkeyRetire, { passkey: old?.slotId ?? '', confirmed: true });

    await useKeyService();
    const spare = path.join(host.folder, 'spare');
    mkdirSync(spare);
    await daemon.call(locationAdd, { name: 'spare', spec: { kind: 'filesystem', path: spare } });
    await daemon.call(locationValidate, { location: 'spare' });
    await daemon.call(locationEdit, { location: 'spare', name: 'unused' });
    await daemon.call(locationList, {});
    await daemon.call(locationRemove, { location: 'unused', confirmed: true });
    await useBucket();
    await daemon.call(policyEdit, { policy: 'files', name: 'papers' });
    await daemon.call(policyList, {});
    await daemon.call(policyShow, { policy: 'papers' });
    await migrate();
    await daemon.call(actionList, {});
    await daemon.call(actionShow, { action: actionId });
    await daemon.call(actionCancel, { actionId });
    await daemon.call(actionFindings, { actionId, list: 'skipped' });
    await daemon.call(sessionStatus, {});
    await daemon.call(sessionStepUp, { passphrase: daemon.secret(passphrases.rotated) });
    const away = mkdtempSync(path.join(os.tmpdir(), 'hf-unattended-'));
    writeFileSync(path.join(away, 'passphrase'), passphrases.rotated, { mode: 0o600 });
    await daemon.call(unattendedSet, { source: { kind: 'passphraseFile', path: path.join(away, 'passphrase') } });
    rmSync(away, { recursive: true });
    await daemon.call(sessionAutoLock, { hours: 1 });
    await daemon.call(diagnosticsCollect, { withPaths: true });
    await daemon.call(unattendedOff, {});
    await recover();
    await daemon.call(sessionLock, {});
    await daemon.unlock(passphrases.rotated);
    await daemon.call(policyDelete, { policy: 'papers', confirmed: true });
    await daemon.call(logRead, { limit: 1000 });
    await daemon.call(auditList, {});
    assert.equal((await daemon.call(auditVerify, {})).intact, true);

    const elsewhere = await watch(other);
    await elsewhere.importStored(store, passphrases.rotated);
    await elsewhere.call(sessionMakeWay, {});
    for (const each of [...daemon.called, ...elsewhere.called]) called.add(each);
    assert.deepEqual(
      methods.map(({ name }) => name).filter((name) => !called.has(name) && !['hello', 'events.subscribe', 'session.stop'].includes(name)),
      [],
      'every method was called',
    );
    const sent = Buffer.concat(frames);
    assert.ok(sent.length > 20_000);
    assert.deepEqual(formsIn(sent, forms), []);
    assert.ok(bucketSecret.length > 20 && !sent.includes(bucketSecret));
    assert.ok(!sent.includes(serviceSecret));
    assert.ok(
      formsIn(Buffer.concat([sent, forms.get('pack key hex') ?? Buffer.alloc(0)]), forms).includes('pack key hex'),
      'it would be seen',
    );
  });

  it('K6: canaries in every place where a secret can be wrong show in no answer, log, catalog, cache or stored object', async () => {
    const { connection } = daemon;
    await daemon.call(sessionLock, {});
    const wrong = (): { readonly secretId: number } => daemon.secret(passphrases.wrong);
    await assert.rejects(daemon.call(sessionUnlock, { passphrase: wrong() }), (error) => HoldfastError.is(error, 'wrongSecret'));
    await daemon.unlock(passphrases.first);
    const spec = { kind: 'filesystem', path: store } as const;
    const refused: Readonly<Record<string, () => Promise<unknown>>> = {
      stepUp: () => daemon.call(sessionStepUp, { passphrase: wrong() }),
      verify: () => daemon.call(passkeyVerify, { passkey: 'main', passphrase: wrong() }),
      'verify what is not there': () => daemon.call(passkeyVerify, { passkey: 'nobody', passphrase: wrong() }),
      'rotate what is not there': () => daemon.call(passkeyRotate, { ...request(), passkey: 'nobody', passphrase: wrong() }),
      'a name that is taken': () => daemon.call(passkeyAddPassphrase, { ...request(), name: 'main', passphrase: wrong(), useNow: false }),
      import: () => daemon.call(recoveryImportStored, { ...request(), spec, passphrase: wrong(), tries: 8 }),
      'a secret used twice': async () => {
        const secret = wrong();
        await Promise.all([
          daemon.call(passkeyVerify, { passkey: 'main', passphrase: secret }),
          daemon.call(passkeyVerify, { passkey: 'main', passphrase: secret }),
        ]);
      },
      'a secret as a parameter': () =>
        daemon.call(
          { ...policyCreate, name: 'policy.create' },
          JSON.parse(JSON.stringify({ name: 'x', passphrase: passphrases.misplaced })),
        ),
      'not text': () =>
        daemon.call(sessionStepUp, { passphrase: connection.sendSecret(Buffer.concat([Buffer.from(passphrases.wrong), Buffer.of(0xff)])) }),
      // The runtime's own buffer for so much is freed and not cleared, so that pieces of it may lie about.
      'too long': () => daemon.call(sessionStepUp, { passphrase: connection.sendSecret(Buffer.from(passphrases.misplaced.repeat(80))) }),
    };
    for (const [what, call] of Object.entries(refused)) {
      await assert.rejects(within(30_000, call()), (error) => {
        assert.ok(HoldfastError.is(error), what);
        const { code, message, fix, details } = error;
        assert.deepEqual(formsIn(Buffer.from(JSON.stringify({ code, message, fix, details })), forms), [], what);
        return true;
      });
    }
    // Sent, and never named by a request.
    daemon.secret(passphrases.misplaced);
    await daemon.call(logRead, { limit: 1000 });
    assert.deepEqual(formsIn(Buffer.concat(frames), forms), []);
    const left = [host, other].flatMap(({ folder }) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .filter((file) => !file.startsWith(source) && !file.startsWith(path.join(host.folder, 'target'))),
    );
    assert.ok(left.some((file) => file.endsWith('daemon.log')) && left.some((file) => file.endsWith('catalog.db')));
    assert.ok(left.some((file) => file.includes('/packs/')) && left.some((file) => file.includes('/cache/')));
    const withPlaintext = new Map([...forms, ['plaintext', Buffer.from(plaintext)]]);
    for (const file of left) assert.deepEqual(formsIn(readFileSync(file), withPlaintext), [], file);
  });

  it('K2: the master key lies in memory once and as bytes while unlocked; locked, neither it nor any derived key nor a passphrase is anywhere', async () => {
    const { pid } = daemon.connection.daemon;
    if ((await daemon.call(sessionStatus, {})).state === 'locked') await daemon.unlock(passphrases.first);
    const created = await daemon.createPolicy(source, 'again');
    const derived = masterKey === undefined ? new Map<string, Buffer>() : formsOfKeys(masterKey, idOf<PolicyId>(created.policyId));
    // Of the many that are derived the bytes have to do: each form takes its time.
    const all = new Map([...forms, ...derived].filter(([form]) => form.startsWith('master key') || form.endsWith(' raw')));
    const { restorePointId } = await daemon.backUp('again');
    await daemon.verify(restorePointId ?? '');
    const found = (): Readonly<Record<string, number>> =>
      Object.fromEntries([...scanMemory(pid, all)].filter(([form]) => !form.startsWith('passphrase misplaced')));
    const used = scanMemory(pid, all);
    assert.ok((used.get('master key raw') ?? 0) >= 1, 'the scan sees what is there');
    assert.ok((used.get('pack key raw') ?? 0) >= 1, 'and derived keys');
    const asText = [...used.keys()].filter((form) => / (hex|HEX|base64)|two bytes/.test(form));
    assert.deepEqual(asText, [], 'as text it is nowhere');
    assert.deepEqual(
      [...used.keys()].filter((form) => form.startsWith('passphrase') && !form.startsWith('passphrase misplaced')),
      [],
      'no passphrase outlives its call',
    );

    await daemon.call(sessionLock, {});
    assert.deepEqual(found(), {}, 'once locked');

    // A lock in mid-run takes the keys from every thread.
    await daemon.unlock(passphrases.first);
    for (let file = 0; file < 400; file += 1) writeFileSync(path.join(source, `more ${file}`), Buffer.alloc(100_000, file));
    const running = await daemon.startBackup('again');
    await daemon.call(sessionLock, {});
    assert.deepEqual(found(), {}, 'once locked in mid-run');
    assert.equal((await daemon.ended(running)).state, 'cancelled');
    await endProcess(pid);
  });
});

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

function request(): { readonly requestId: string } {
  return { requestId: randomUUID() };
}
