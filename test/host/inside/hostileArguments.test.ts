import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import * as z from 'zod';
import { type CommandId, commandIds } from '../../../extension/commandIds.ts';
import { location } from '../../../protocol/methods/locations.ts';
import { passkey } from '../../../protocol/methods/passkeys.ts';
import { policy } from '../../../protocol/methods/policies.ts';
import { restorePoint } from '../../../protocol/methods/restorePoints.ts';
import { cli, json, passphraseFile, theExtension, workspaceFolder } from './extensionHost.ts';

/** Stands in every value: nothing of it may reach the daemon. */
const marker = 'from-another-extension';

/** These take no argument and lose nothing, but change what the others need: they come last. */
const closing: readonly CommandId[] = ['holdfast.lock', 'holdfast.restartDaemon', 'holdfast.stopDaemon'];

interface Ids {
  readonly policy: string;
  readonly restorePoint: string;
  readonly passkey: string;
  readonly location: string;
}

/** Looks like a row in all that can be seen of one. */
class Row {
  readonly facts: unknown;
  parent: undefined;

  constructor(subject: Readonly<Record<string, unknown>>) {
    this.facts = { id: marker, label: marker, accessibleLabel: marker, context: [marker], subject };
  }
}

function throwing(): object {
  const fail = (): never => {
    throw new Error(`thrown ${marker}`);
  };
  return new Proxy(
    {},
    { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail, set: fail, defineProperty: fail },
  );
}

function cyclic(): object {
  const one: Record<string, unknown> = { marker };
  one['self'] = one;
  return one;
}

/** An object of the editor's own class, whose members are not what they should be. */
function brokenUri(members: PropertyDescriptorMap): object {
  return Object.setPrototypeOf(Object.defineProperties({}, members), vscode.Uri.prototype);
}

function hostileArguments(ids: Ids): ReadonlyMap<string, readonly unknown[]> {
  const fakeRows: readonly (readonly [string, readonly unknown[]])[] = [
    { kind: 'policy', id: ids.policy, name: marker },
    { kind: 'restorePoint', id: ids.restorePoint, policy: marker, startedAt: marker },
    { kind: 'entry', restorePointId: ids.restorePoint, path: 'kept.txt', isFolder: false },
    { kind: 'passkey', id: ids.passkey, name: marker },
    { kind: 'location', id: ids.location, name: marker },
    { kind: 'alert', id: marker, message: marker },
    { kind: 'action', id: marker },
  ].map((subject) => [`a fake row of ${subject.kind}`, [new Row(subject)]]);
  const uris: readonly (readonly [string, readonly unknown[]])[] = [
    'http://127.0.0.1:1/x',
    'command:holdfast.lock',
    'untitled:x',
    'vscode-remote://elsewhere/etc/passwd',
    'data:text/plain,x',
    `holdfast://${ids.restorePoint}/../../etc/passwd`,
    'holdfast://0000/x',
    'file://elsewhere/share',
    `file:///${marker}\u202e/\u0007`,
  ].map((address) => [`the address ${address.slice(0, 30)}`, [vscode.Uri.parse(address)]]);
  return new Map<string, readonly unknown[]>([
    ['nothing', []],
    ['null', [null, null]],
    ['numbers', [Number.NaN, -1, 1e308]],
    ['a big integer', [10n ** 1000n]],
    ['a symbol', [Symbol(marker)]],
    ['a function', [() => assert.fail('a foreign function was called')]],
    ['a name', [marker]],
    ['a real id', [ids.policy]],
    ['a huge string', [marker.repeat(1_000_000)]],
    ['a huge list', [Array.from({ length: 100_000 }, () => marker)]],
    ['a list of real ids', [[ids.policy, ids.restorePoint], { policy: ids.policy, confirmed: true }]],
    ['parameters of the daemon', [{ policy: ids.policy, passkey: ids.passkey, location: ids.location, confirmed: true, command: marker }]],
    ['bytes', [Buffer.alloc(1_000_000), new SharedArrayBuffer(8)]],
    ['a cyclic object', [cyclic(), cyclic()]],
    ['an object that throws', [throwing(), throwing()]],
    ['a revoked proxy', [revoked()]],
    ['an object of __proto__', [JSON.parse('{"__proto__":{"facts":{"subject":{"kind":"policy"}}}}')]],
    ['an address without members', [brokenUri({})]],
    ['an address that throws', [brokenUri({ scheme: { get: throwing } })]],
    ['an address whose path is no text', [brokenUri({ scheme: { value: 'file' }, authority: { value: '' }, path: { value: 7 } })]],
    [
      'an address with a huge path',
      [brokenUri({ scheme: { value: 'file' }, authority: { value: '' }, path: { value: `/${marker.repeat(100_000)}` } })],
    ],
    ['an address with a NUL', [brokenUri({ scheme: { value: 'file' }, authority: { value: '' }, path: { value: `/${marker}\0` } })]],
    ...fakeRows,
    ...uris,
  ]);
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

async function call(command: CommandId, args: readonly unknown[]): Promise<void> {
  await vscode.commands.executeCommand(command, ...args);
}

/** Everything that a command could have changed, a line each. */
async function installationNow(): Promise<readonly string[]> {
  const policies = await json(z.array(policy), ['policy', 'list']);
  const points = await json(z.array(restorePoint), ['restore-point', 'list', '--include-retired']);
  const passkeys = await json(z.array(passkey), ['passkey', 'list']);
  const locations = await json(z.array(location), ['location', 'list']);
  const actions = await json(z.array(z.looseObject({ actionId: z.string(), kind: z.string() })), ['action', 'list']);
  return [
    ...policies.map((one) => `policy ${JSON.stringify(one)}`),
    ...points.map(({ id, state, pinned }) => `restore point ${id} ${state} ${pinned ? 'pinned' : ''}`),
    ...passkeys.map(({ slotId, name, inUse, state }) => `passkey ${slotId} ${name} ${state} ${inUse ? 'in use' : ''}`),
    ...locations.map(({ locationId, name }) => `location ${locationId} ${name}`),
    ...actions.map(({ actionId, kind }) => `action ${actionId} ${kind}`),
  ];
}

describe('commands that another extension calls', function () {
  this.timeout(90_000);
  let ids: Ids;

  before(async () => {
    await json(z.unknown(), ['init', '--passphrase-file', passphraseFile()]);
    const store = path.join(workspaceFolder(), '..', 'hostile-store');
    const source = path.join(workspaceFolder(), 'source');
    for (const folder of [store, source]) mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(source, 'kept.txt'), 'kept');
    await json(z.unknown(), ['location', 'add', 'filesystem', 'store', '--path', store]);
    await json(z.unknown(), ['policy', 'create', 'work', '--source', source, '--location', 'store']);
    await json(z.unknown(), ['backup', 'work']);
    const [made] = await json(z.array(policy), ['policy', 'list']);
    const [point] = await json(z.array(restorePoint), ['restore-point', 'list']);
    const [key] = await json(z.array(passkey), ['passkey', 'list']);
    const [place] = await json(z.array(location), ['location', 'list']);
    assert.ok(made !== undefined && point !== undefined && key !== undefined && place !== undefined);
    ids = { policy: made.policyId, restorePoint: point.id, passkey: key.slotId, location: place.locationId };
    await theExtension().activate();
  });

  it('V4: do nothing without the user, throw nothing at the caller and hand nothing of it to the daemon, whatever they are called with', async () => {
    const before = await installationNow();
    const rejections: string[] = [];
    for (const command of commandIds.filter((id) => !closing.includes(id))) {
      for (const [title, args] of hostileArguments(ids)) {
        // Not waited for: most of them ask the user something, and nobody answers.
        void call(command, args).catch((error: unknown) => rejections.push(`${command} with ${title}: ${String(error)}`));
      }
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    }
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('notifications.clearAll');
    assert.deepEqual(rejections, []);
    assert.deepEqual(await installationNow(), before);
    assert.doesNotMatch((await cli(['log'])).stdout, new RegExp(marker));
  });

  it('V4: lock, restart and stop alike, which take no argument', async () => {
    for (const command of closing) {
      for (const [title, args] of [...hostileArguments(ids)].slice(0, 3)) {
        await assert.doesNotReject(async () => await call(command, args), `${command} with ${title}`);
      }
    }
  });
});
