import {
  type Passkey,
  passkeyAddPassphrase,
  passkeyList,
  passkeyRotate,
  passkeySchedule,
  passkeyUse,
  passkeyVerify,
} from '../../protocol/methods/passkeys.ts';
import { keyArnProblem } from '../../protocol/namedKeys.ts';
import { minuteOf } from '../../protocol/wording.ts';
import type { Call } from '../call.ts';
import { namedPasskey } from '../namedPasskey.ts';
import { newLogin } from '../newLogin.ts';
import { newName, reference } from '../names.ts';
import type { Style } from '../output/style.ts';
import { table } from '../output/table.ts';
import { gateLines, kindText, referenceText, retirableText, rotationLines, warningLines } from '../passkeyTexts.ts';
import { escaped, shellWord } from '../../client/shown/text.ts';
import { counted, moment, shortId } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { warnOfWeakPassphrase } from '../weakPassphrase.ts';
import { wholeDays } from '../values.ts';

/** As the protocol has it, in days. */
const longestInterval = 3650;

export async function list(_call: Call, session: Session): Promise<Result> {
  const passkeys = await session.list(passkeyList, {});
  const { style, host } = session;
  const now = host.now();
  const rows = passkeys.map((passkey) => [
    style.bold(escaped(passkey.name)),
    shortId(passkey.slotId),
    kindText(passkey.kind),
    passkey.inUse ? style.good('in use') : '',
    stateText(passkey, style),
    moment(passkey.verifiedAt, now),
    moment(passkey.createdAt, now),
    retirableText(passkey, now),
    referenceText(passkey),
  ]);
  const titles = ['NAME', 'ID', 'KIND', '', 'STATE', 'VERIFIED', 'CREATED', 'CAN GO FROM', 'KEY'].map((title) => ({ title }));
  const listed = table(titles, rows, (text) => style.dim(text));
  return { document: passkeys, lines: [...listed, ...rotationLines(passkeys), ...warningLines(passkeys, style)] };
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
  const known = await namedPasskey(call.argument('NAME'), session);
  const { slotId, name, kind } = known;
  const file = call.text('--passphrase-file');
  const login = await newLogin(call, known, session);
  if (kind !== 'passphrase') {
    if (file !== undefined) throw noPassphrase(call, name);
    const verified = await session.ask(passkeyVerify, async () => ({
      passkey: slotId,
      ...(login === undefined ? {} : { access: login.access }),
      ...(login?.secrets === undefined ? {} : { credentials: await session.sendSecret(login.secrets) }),
    }));
    const warnings = warningLines([verified], session.style);
    const sentence = `The passkey ${escaped(name)} opens the master key${login === undefined ? '' : ', and keeps this login'}.`;
    return { ...done(verified, sentence, warnings), isNotice: warnings.length === 0 };
  }
  const passphrase = await session.secrets.find({
    what: 'the passphrase',
    file,
    flag: '--passphrase-file',
    question: `Passphrase of the passkey ${escaped(name)}`,
  });
  if (passphrase === undefined) throw missing(call);
  const passkey = await session.ask(passkeyVerify, async () => ({
    passkey: slotId,
    passphrase: await session.sendSecret(passphrase),
  }));
  return done(passkey, `The passkey ${escaped(passkey.name)} opens the master key.`);
}

export async function rotate(call: Call, session: Session): Promise<Result> {
  const every = call.text('--every');
  const everyDays = every === undefined ? undefined : wholeDays('--every', every, 1, longestInterval);
  const endsSchedule = call.toggle('--schedule') === false;
  if (endsSchedule && everyDays !== undefined) throw call.problem('--every and --no-schedule exclude each other');
  const passkey = await namedPasskey(call.argument('NAME'), session);
  if (call.isGiven('--key-arn') && (endsSchedule || passkey.kind === 'passphrase')) {
    throw call.problem('--key-arn names the next KMS key', 'Leave it out.');
  }
  if (passkey.kind === 'passphrase') {
    if (endsSchedule || everyDays !== undefined) {
      const cause = 'only a passkey at KMS or Vault rotates by itself: a new passphrase has to be kept by somebody';
      throw call.problem(cause, 'Rotate it by hand.');
    }
    return await rotatePassphrase(call, session);
  }
  if (call.isGiven('--passphrase-file')) throw noPassphrase(call, passkey.name);
  if (endsSchedule) return await endSchedule(passkey, session);
  const keyArn = nextKeyArn(call);
  if (keyArn !== undefined && passkey.kind !== 'awsKms') throw call.problem(`the key of ${escaped(passkey.name)} is none of AWS KMS`);
  return await rotateKey(passkey, { everyDays, keyArn }, session);
}

async function rotatePassphrase(call: Call, session: Session): Promise<Result> {
  const passphrase = await newPassphrase(call, session, `New passphrase of the passkey ${escaped(call.argument('NAME'))}`);
  const rotated = await session.ask(passkeyRotate, async () => ({
    requestId: session.host.uuid(),
    passkey: named(call),
    passphrase: await session.sendSecret(passphrase),
  }));
  const { passkey, previous, gate } = rotated;
  return {
    document: rotated,
    lines: [
      `Rotated the passkey ${escaped(passkey.name)}; the old one is ${escaped(previous.name)} now and still opens the master key.`,
      ...(gate.opensKeyringsUntil === null
        ? []
        : [`Locked keyrings hold it until ${minuteOf(gate.opensKeyringsUntil)}: until then the old passphrase still opens those.`]),
      ...gate.notes.map((note) => escaped(note)),
      `Retire it with holdfast passkey retire ${shellWord(previous.name)}.`,
    ],
    isNotice: true,
  };
}

function nextKeyArn(call: Call): string | undefined {
  const arn = call.text('--key-arn');
  const problem = arn === undefined ? undefined : keyArnProblem(arn);
  if (problem !== undefined) throw call.problem(problem, 'An alias or an id may be another key by now: look its ARN up.');
  return arn;
}

async function rotateKey(
  { slotId, name }: Passkey,
  { everyDays, keyArn: typed }: { readonly everyDays: number | undefined; readonly keyArn: string | undefined },
  session: Session,
): Promise<Result> {
  const rotated = await session.ask(passkeyRotate, (_confirmed, question) => {
    // The key that was asked about, and no other that has come in its place since.
    const asked = question?.details?.['keyArn'];
    const keyArn = typeof asked === 'string' ? asked : typed;
    return {
      requestId: session.host.uuid(),
      passkey: slotId,
      ...(everyDays === undefined ? {} : { everyDays }),
      ...(keyArn === undefined ? {} : { keyArn }),
    };
  });
  const { previous, gate, steps } = rotated;
  const then = gate.allowed
    ? [`Retire it with holdfast passkey retire ${shellWord(previous.name)}.`]
    : [`holdfast passkey gate ${shellWord(previous.name)} says when it can go; let nobody end its key outside before.`];
  return {
    document: rotated,
    lines: [
      `Rotated the passkey ${escaped(name)}:`,
      ...steps.map((step, index) => `  ${index + 1}. ${escaped(step)}`),
      ...(everyDays === undefined ? [] : [`It rotates by itself every ${counted(everyDays, 'day')} from now on.`]),
      ...gateLines(previous.name, { ...gate, commands: [] }, session.style),
      ...then,
    ],
    isNotice: true,
  };
}

/** The same members as a rotation has; there is no old slot. */
async function endSchedule({ slotId }: Passkey, session: Session): Promise<Result> {
  const passkey = await session.ask(passkeySchedule, () => ({ passkey: slotId, everyDays: null }));
  const sentence = `The passkey ${escaped(passkey.name)} rotates by itself no more.`;
  return { document: { passkey, previous: null, gate: null, steps: [] }, lines: [sentence], isNotice: true };
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
  await warnOfWeakPassphrase(passphrase, session);
  return passphrase;
}

function missing(call: Call): Error {
  return call.problem('a passphrase is missing', 'Name a file with --passphrase-file F, or - for standard input.');
}

function noPassphrase(call: Call, name: string): Error {
  return call.problem(`the passkey ${escaped(name)} is no passphrase`, 'Leave --passphrase-file out.');
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

function done(passkey: Passkey, sentence: string, more: readonly string[] = []): Result {
  return { document: passkey, lines: [sentence, ...more], isNotice: true };
}
