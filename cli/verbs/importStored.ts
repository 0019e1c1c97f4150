import path from 'node:path';
import { exitStatusOf, HoldfastError } from '../../protocol/errors.ts';
import { type ActionWithResult, isEnded } from '../../protocol/methods/actions.ts';
import { type LocationSpecFile, longestSpecFile, readLocationSpecFile } from '../../protocol/locationSpec.ts';
import type { LocationSpec, S3Credentials } from '../../protocol/methods/locations.ts';
import { type ImportDocument, importDocument, recoveryImportStored, triesAtFirst } from '../../protocol/methods/recovery.ts';
import { type InitKey, sessionStatus } from '../../protocol/methods/session.ts';
import { Asking } from '../asking.ts';
import { type BucketCredentials, credentialsOfFile, shellCredentials, usualCredentials } from '../bucketCredentials.ts';
import type { Call } from '../call.ts';
import { confirmedKey, isOfKey } from '../confirmedKey.ts';
import { findingLines } from '../findingLines.ts';
import { newName, reference } from '../names.ts';
import { allFindings, documentOfAction, errorOfAction, printsDocument, statusOfAction } from '../outcome.ts';
import { escaped, quoted } from '../../client/shown/text.ts';
import { counted, duration, number } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { ServiceKey } from '../serviceKey.ts';
import type { Session } from '../session.ts';
import { time } from '../values.ts';
import { finish } from '../finish.ts';

const label = 'Importing what is stored';
/** As good as for ever: the reader never gives up by itself once the user said so. */
const triesMost = 1_000_000;

export async function importStored(call: Call, session: Session): Promise<Result> {
  const stored = await readSpec(call.requiredText('--location-spec'), session);
  const installation = call.text('--installation');
  const at = call.text('--at');
  const locationName = call.text('--location-name');
  const passkey = call.text('--passkey');
  const choices = {
    ...(installation === undefined ? {} : { installation: reference('installation', installation) }),
    ...(at === undefined ? {} : { at: time('--at', at, session.host.now()) }),
    ...(locationName === undefined ? {} : { locationName: newName('location', locationName) }),
    ...(passkey === undefined ? {} : { passkey: reference('passkey', passkey) }),
  };
  await refuseWhereSetUp(session);
  const key = await confirmedKey(call, session);
  const passphrase = isOfKey(call)
    ? undefined
    : await session.secrets.find({
        what: 'the passphrase',
        file: call.text('--passphrase-file'),
        flag: '--passphrase-file',
        question: 'Passphrase of any passkey of the installation',
      });
  // Behind the passphrase: where both come from standard input, that is its first line.
  const { spec, keys } = await withCredentials(stored, session);
  const start = async (tries: number): Promise<Result> => {
    await session.heedInterrupts();
    const { actionId } = await session.call(recoveryImportStored, {
      ...choices,
      spec,
      ...(keys === undefined ? {} : { keys: await session.sendSecret(keys) }),
      requestId: session.host.uuid(),
      ...(passphrase === undefined ? {} : { passphrase: await session.sendSecret(passphrase) }),
      ...(key === undefined ? {} : { key: await sentKey(key, session) }),
      tries,
    });
    return await finish(session, { actionId, label }, (action) => resultOf(action, session));
  };
  try {
    return await askedEachTime(session, start);
  } catch (error) {
    if (!HoldfastError.is(error, 'wrongSecret') || passphrase !== undefined || key !== undefined) throw error;
    throw call.problem('a passphrase is missing', 'Name a file with --passphrase-file F, or - for standard input.');
  }
}

async function sentKey({ target, access, secrets }: ServiceKey, session: Session): Promise<InitKey> {
  return { target, access, ...(secrets === undefined ? {} : { credentials: await session.sendSecret(secrets) }) };
}

/** A location may be full of junk keyrings: after each so many without success the user is asked before it goes on. */
async function askedEachTime(session: Session, start: (tries: number) => Promise<Result>): Promise<Result> {
  const asking = new Asking(session);
  for (let tries = session.globals.yes ? triesMost : triesAtFirst; ; tries = Math.min(triesMost, tries * 2)) {
    try {
      return await start(tries);
    } catch (error) {
      // Which key is his only the user knows: a yes says nothing.
      if (!HoldfastError.is(error, 'confirmationNeeded') || error.details?.['references'] !== undefined || tries === triesMost) throw error;
      await asking.confirm(error);
    }
  }
}

/** Before anybody is asked for a passphrase. */
async function refuseWhereSetUp(session: Session): Promise<void> {
  const { state } = await session.call(sessionStatus, {});
  if (state === 'notSetUp') return;
  throw new HoldfastError(
    'alreadySetUp',
    `Failed to import: the state directory ${quoted(session.stateDirectory)} holds an installation already.`,
    {
      fix: 'Name an empty one with --state DIR.',
    },
  );
}

/** A bucket with the credentials that its file names, else those that `location add` takes where nothing is said. */
async function withCredentials(
  { spec, credentialsFile, namesCredentials }: LocationSpecFile,
  session: Session,
): Promise<{ readonly spec: LocationSpec; readonly keys: Buffer | undefined }> {
  if (spec.kind !== 's3') return { spec, keys: undefined };
  const { credentials, keys } = await credentialsIn(spec.credentials, credentialsFile, namesCredentials, session);
  return { spec: { ...spec, credentials }, keys };
}

async function credentialsIn(
  named: S3Credentials,
  file: string | null,
  isNamed: boolean,
  session: Session,
): Promise<Pick<BucketCredentials, 'credentials' | 'keys'>> {
  if (file !== null) return await credentialsOfFile(file, session);
  if (!isNamed) return await usualCredentials(session);
  return named.source === 'sealed' ? shellCredentials(session) : { credentials: named, keys: undefined };
}

async function readSpec(file: string, session: Session): Promise<LocationSpecFile> {
  const action = `read the location from ${quoted(file)}`;
  let content: Buffer;
  try {
    // One byte more than may be there tells that there is more.
    content = await session.host.readFile(session.resolvePath(file), longestSpecFile + 1);
  } catch (cause) {
    const fix = 'Name a JSON file such as {"kind":"filesystem","path":"/mnt/backup"}.';
    throw HoldfastError.failedTo('badValue', action, 'it can not be read', { fix, cause });
  }
  try {
    return readLocationSpecFile(content, (typed) => path.resolve(session.resolvePath('.'), typed));
  } catch (error) {
    if (!HoldfastError.is(error)) throw error;
    const { code, reason, fix } = error;
    throw HoldfastError.failedTo(code, action, escaped(reason), { ...(fix === undefined ? {} : { fix }), cause: error });
  }
}

async function resultOf(action: ActionWithResult, session: Session): Promise<Result> {
  if (!isEnded(action.state)) throw new RangeError('the import has not ended');
  const status = statusOfAction(action);
  if (!printsDocument(status)) throw errorOfAction(action);
  const inline = documentOfAction(action, importDocument);
  const document: ImportDocument = {
    ...inline,
    damaged: await allFindings(session, action, 'damaged', inline.damaged, inline.damagedCount),
  };
  const { installationId, policies, restorePoints, damaged, damagedCount, seconds } = document;
  return {
    document,
    lines: [
      `Imported installation ${escaped(installationId)}: ${counted(policies, 'policy', 'policies')} (paused), ${counted(restorePoints, 'restore point')}, ${duration(seconds)}.`,
      ...cameBackLines(document),
      ...findingLines(damaged, damagedCount, 'damaged', session.style),
    ],
    exitStatus: damagedCount > 0 ? exitStatusOf.damaged : status,
  };
}

/** What may surprise whoever knows what was there: each thing with its number and what to do about it. */
function cameBackLines({ live, retired, later, pinned, location, passkeys, broughtBack }: ImportDocument): string[] {
  const list = '"holdfast restore-point list --include-retired"';
  return [
    ...(retired === 0 ? [] : [`On the list: ${number(live)}. Retired, and off it: ${number(retired)} (${list} shows them).`]),
    ...(live === 0
      ? []
      : ['What was retired after the newest backup of its policy is on the list again: that was in the lost catalog alone.']),
    ...(later === 0
      ? []
      : [`Besides, ${counted(later, 'restore point')} of after that time ${later === 1 ? 'is' : 'are'} off the list (${list}).`]),
    ...(pinned === 0
      ? []
      : [
          `Pinned: ${number(pinned)} of them, which a rule or a collection might take before you have looked. "holdfast restore-point unpin ID" lets go of one.`,
        ]),
    `New names, since only the lost catalog had the old ones: location ${escaped(location)}, ${passkeys.length === 1 ? 'passkey' : 'passkeys'} ${escaped(passkeys.join(', '))}.`,
    ...(passkeys.length === 1
      ? []
      : ['Only the passkey that opened it counts as verified: "holdfast passkey verify NAME" proves who still has another one.']),
    ...(broughtBack === null
      ? []
      : [
          `The newest keyring does not hold what opened it: it was rotated or retired since, and is a passkey again as ${escaped(broughtBack)}, so that this machine opens. Verify another one that you have, put that in use, and retire ${escaped(broughtBack)}.`,
        ]),
    'Policies run again once you say so: "holdfast policy resume NAME".',
  ];
}
