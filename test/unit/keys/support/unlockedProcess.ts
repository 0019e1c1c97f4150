import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { writeHeapSnapshot } from 'node:v8';
import { CatalogSeal } from '../../../../daemon/keys/catalogSeal.ts';
import { type DrKeys, openDrKeys, sealDrKeys } from '../../../../daemon/keys/dr/drCell.ts';
import { DrPassphrase } from '../../../../daemon/keys/dr/drPassphrase.ts';
import { decodeDrSlot } from '../../../../daemon/keys/dr/drSlot.ts';
import { forgetKeys } from '../../../../daemon/keys/forgetKeys.ts';
import { decodeKeyring, isAuthenticKeyring } from '../../../../daemon/keys/keyring.ts';
import { MasterKey } from '../../../../daemon/keys/masterKey.ts';
import { unwrapWithPassphrase, wrapWithPassphrase } from '../../../../daemon/keys/passkeys/passphrase.ts';
import { WorkerScryptRunner } from '../../../../daemon/keys/scryptRunner.ts';
import { idOf } from '../../../../protocol/ids.ts';
import { createdAt, installationId, newKeyring, utf8 } from './keyrings.ts';

/** A process that unlocks, works and locks on demand, so that another can look at its memory. One command a line, each answered by a line. */
const scrypt = new WorkerScryptRunner(new URL('./scryptEntry.ts', import.meta.url));
const parameters = { N: 2 ** 17, r: 8, p: 1 } as const;
let masterKey: MasterKey | undefined;
const derived: unknown[] = [];
let drKeys: DrKeys | undefined;
const cell = { table: 'recovery', column: 'keys', primaryKey: '1' } as const;

async function unlock(keyring: Buffer): Promise<void> {
  const read = decodeKeyring(keyring, installationId);
  const slot = read.body.slots[0];
  if (slot?.kind !== 'passphrase') throw new Error('no passphrase slot');
  masterKey = await unwrapWithPassphrase({ installationId, slot, passphrase: utf8('right'), scrypt });
  if (!isAuthenticKeyring(read, masterKey)) throw new Error('not authentic');
}

/** Nothing here makes garbage enough for a collection, so what is not wiped at once is still there to be found. */
function derive(): void {
  if (masterKey === undefined) throw new Error('locked');
  derived.push(masterKey.catalogKey());
  masterKey.wrapPlaintext().fill(0);
}

async function work(): Promise<void> {
  if (masterKey === undefined) throw new Error('locked');
  derived.push(masterKey.catalogKey(), masterKey.keyringMac(), masterKey.ownerKey());
  for (let generation = 1; generation < 20; generation += 1) derived.push(masterKey.policyKeys(idOf(randomUUID()), generation));
  const slot = await wrapWithPassphrase({ masterKey, passphrase: utf8('another'), scrypt, createdAt, parameters });
  newKeyring(masterKey, 2, [slot]);
  // Garbage of every age, so that collections of both kinds happen while the keys are about.
  for (let round = 0; round < 100; round += 1) derived.push(Array.from({ length: 2000 }, (_, index) => ({ round, index })));
}

/** As a recovery does, and then as a run that nobody attends: out of the slot, into the catalog's cell and out of it again. */
async function recover(slot: Buffer): Promise<void> {
  if (masterKey === undefined) throw new Error('locked');
  using passphrase = await DrPassphrase.derive({ installationId, passphrase: utf8('recovery'), scrypt });
  using drKey = passphrase.open(decodeDrSlot(slot, installationId));
  const seal = new CatalogSeal(masterKey.catalogKey(), installationId);
  const sealed = sealDrKeys(seal, cell, { drKey, nameKey: passphrase.nameKey() });
  passphrase.wrap(drKey, createdAt);
  drKeys = openDrKeys(seal, cell, sealed, { installationId, drkId: drKey.drkId });
  derived.push(drKeys.drKey.bundleKey(), drKeys.drKey.keyringDrMac());
}

function lock(): void {
  drKeys?.drKey[Symbol.dispose]();
  drKeys = undefined;
  masterKey?.[Symbol.dispose]();
  masterKey = undefined;
  derived.length = 0;
  forgetKeys();
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument = ''] = line.split(' ');
  if (command === 'unlock') await unlock(Buffer.from(argument, 'base64'));
  if (command === 'derive') derive();
  if (command === 'recover') {
    await recover(Buffer.from(argument, 'base64'));
    // What came out of the slot was disposed of.
    forgetKeys();
  }
  if (command === 'work') await work();
  if (command === 'snapshot') {
    // What is left of the garbage would only make it long.
    derived.length = 20;
    writeHeapSnapshot(argument);
  }
  if (command === 'lock') lock();
  process.stdout.write(`${command} done\n`);
}
