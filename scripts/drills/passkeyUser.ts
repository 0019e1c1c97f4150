import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { vaultPolicy } from '../../protocol/keyPolicies.ts';
import { createPolicy } from '../../test/support/cliExpect.ts';
import type { ImmutableScratch } from '../../test/support/immutableScratch.ts';
import { KmsWireServer, type WireKey } from '../../test/support/servers/kmsWire.ts';
import type { OpenBaoServer } from '../../test/support/servers/openBaoServer.ts';
import type { Stage } from './stage.ts';

export const transitKey = 'drill';
export const awsLogin = { AWS_ACCESS_KEY_ID: 'AKIADRILL', AWS_SECRET_ACCESS_KEY: 'of-the-drill' } as const;

/** Nothing of the shell that plays. */
const noLogin: Readonly<Record<string, string | undefined>> = Object.fromEntries(
  ['VAULT_ADDR', 'VAULT_TOKEN', 'VAULT_CACERT', 'VAULT_NAMESPACE', 'BAO_ADDR', 'BAO_TOKEN', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'].map(
    (name) => [name, undefined],
  ),
);

/** KMS as its clients see it, and the key that its alias named at first. */
export interface Kms {
  readonly wire: KmsWireServer;
  readonly key: WireKey;
}

export async function newKms(stage: Stage): Promise<Kms> {
  const wire = stage.use(await KmsWireServer.start());
  const key = wire.createKey();
  wire.aliases.set('alias/holdfast', key.id);
  return { wire, key };
}

/** The flags of a passkey there; the credentials are looked for at each call, so that the daemon unlocks itself. */
export const onKms = ({ wire }: Kms): readonly string[] => [
  'aws-kms',
  '--key-id',
  'alias/holdfast',
  '--region',
  wire.region,
  '--endpoint',
  wire.endpoint,
  '--credentials',
  'chain',
];

/** The flags of a passkey on a new key, with a token of the smallest rights in a file. */
export async function onVault(server: OpenBaoServer, user: ImmutableScratch): Promise<readonly string[]> {
  await server.createKey(transitKey);
  const tokenFile = path.join(user.scratch.folder, 'token');
  writeFileSync(tokenFile, await server.createToken(vaultPolicy({ mount: 'transit', key: transitKey })), { mode: 0o600 });
  return ['vault-transit', '--address', server.address, '--key', transitKey, '--token-file', tokenFile];
}

/** A user who was set up on a key outside, and has backed up once into a locked bucket. `withSafe`: there is a passphrase in a safe too. */
export async function userOn(
  stage: Stage,
  place: (user: ImmutableScratch) => Promise<readonly string[]> | readonly string[],
  { withSafe = false }: { readonly withSafe?: boolean } = {},
): Promise<{ readonly user: ImmutableScratch; readonly point: string }> {
  const user = stage.newUser(await (await stage.seaweed).createBucket());
  Object.assign(user.scratch.env, noLogin, awsLogin);
  const [kind = '', ...flags] = await place(user);
  await stage.holdfast(user, ['init', '--passkey-kind', kind, '--passkey-name', 'office', ...flags]);
  if (withSafe) await stage.holdfast(user, ['passkey', 'add', 'passphrase', 'safe', '--passphrase-file', user.scratch.passphraseFile]);
  else user.scratch.env['HOLDFAST_STEP_UP_FILE'] = undefined;
  const added = await user.scratch.cli(user.adding());
  if (added.status !== 0) throw new Error(`${added.stdout}${added.stderr}`);
  await createPolicy(user.scratch, 'files', [user.source]);
  const point = await user.backUp();
  stage.tell(`The user has a restore point in SeaweedFS, locked for ${user.protectionPeriodDays} days ahead.`);
  return { user, point };
}
