import {
  type Passkey,
  passkeyAddPassphrase,
  passkeyList,
  passkeyRetire,
  passkeyRotate,
  passkeyUse,
  passkeyVerify,
} from '../../protocol/methods/passkeys.ts';
import { refuseWeakPassphrase } from '../../protocol/passphraseRule.ts';
import type { Call } from '../call.ts';
import { newName, reference } from '../names.ts';
import type { Style } from '../output/style.ts';
import { table } from '../output/table.ts';
import { escaped, shellWord } from '../../client/shown/text.ts';
import { moment, shortId } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

export async function list(_call: Call, session: Session): Promise<Result> {
  const passkeys = await session.list(passkeyList, {});
  const { style, host } = session;
  const now = host.now();
  const rows = passkeys.map((passkey) => [
    style.bold(escaped(passkey.name)),
    shortId(passkey.slotId),
    passkey.kind,
    passkey.inUse ? style.good('in use') : '',
    stateText(passkey, style),
    moment(passkey.verifiedAt, now),
    moment(passkey.createdAt, now),
  ]);
  const titles = ['NAME', 'ID', 'KIND', '', 'STATE', 'VERIFIED', 'CREATED'].map((title) => ({ title }));
  const warnings = passkeys.flatMap((passkey) =>
    passkey.warnings.map((warning) => style.warning(`${escaped(passkey.name)}: ${escaped(warning)}`)),
  );
  return { document: passkeys, lines: [...table(titles, rows, (text) => style.dim(text)), ...warnings] };
}

export async function addPassphrase(call: Call, session: Session): Promise<Result> {
  const name = newName('passkey', call.argument('NAME'));
  const passphrase = await newPassphrase(call, session, `Passphrase of the new passkey ${escaped(name)}`);
  const useNow = call.isOn('--use-now');
  const passkey = await session.ask(passkeyAddPassphrase, async () => ({
    requestId: session.host.uuid(),
    name,
    passphrase: await session.sendSecret(passphrase),
    useNow,
  }));
  return done(passkey, `Added the passkey ${escaped(passkey.name)}${passkey.inUse ? '; it is in use now' : ''}.`);
}

export async function use(call: Call, session: Session): Promise<Result> {
  const passkey = await session.ask(passkeyUse, () => ({ passkey: named(call) }));
  return done(passkey, `The passkey ${escaped(passkey.name)} is in use now.`);
}

export async function verify(call: Call, session: Session): Promise<Result> {
  const passphrase = await session.secrets.find({
    what: 'the passphrase',
    file: call.text('--passphrase-file'),
    flag: '--passphrase-file',
    question: `Passphrase of the passkey ${escaped(call.argument('NAME'))}`,
  });
  if (passphrase === undefined) throw missing(call);
  const passkey = await session.ask(passkeyVerify, async () => ({
    passkey: named(call),
    passphrase: await session.sendSecret(passphrase),
  }));
  return done(passkey, `The passkey ${escaped(passkey.name)} opens the master key.`);
}

export async function rotate(call: Call, session: Session): Promise<Result> {
  const passphrase = await newPassphrase(call, session, `New passphrase of the passkey ${escaped(call.argument('NAME'))}`);
  const rotated = await session.ask(passkeyRotate, async () => ({
    requestId: session.host.uuid(),
    passkey: named(call),
    passphrase: await session.sendSecret(passphrase),
  }));
  const { passkey, previous } = rotated;
  return {
    document: rotated,
    lines: [
      `Rotated the passkey ${escaped(passkey.name)}; the old one is ${escaped(previous.name)} now and still opens the master key.`,
      `Retire it with holdfast passkey retire ${shellWord(previous.name)}.`,
    ],
    isNotice: true,
  };
}

export async function retire(call: Call, session: Session): Promise<Result> {
  const passkey = await session.ask(passkeyRetire, (confirmed) => ({ passkey: named(call), confirmed }));
  return done(passkey, `Retired the passkey ${escaped(passkey.name)}.`);
}

function named(call: Call): string {
  return reference('passkey', call.argument('NAME'));
}

async function newPassphrase(call: Call, session: Session, question: string): Promise<Buffer> {
  const passphrase = await session.secrets.find({
    what: 'the passphrase',
    file: call.text('--passphrase-file'),
    flag: '--passphrase-file',
    question,
    isNew: true,
  });
  if (passphrase === undefined) throw missing(call);
  refuseWeakPassphrase(passphrase);
  return passphrase;
}

function missing(call: Call): Error {
  return call.problem('a passphrase is missing', 'Name a file with --passphrase-file F, or - for standard input.');
}

function stateText({ state }: Passkey, style: Style): string {
  switch (state) {
    case 'ready':
      return style.good(state);
    case 'unverified':
      return style.warning(state);
    case 'failing':
      return style.bad(state);
    case 'retired':
      return style.dim(state);
  }
}

function done(passkey: Passkey, sentence: string): Result {
  return { document: passkey, lines: [sentence], isNotice: true };
}
