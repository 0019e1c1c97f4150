import { HoldfastError } from '../../protocol/errors.ts';
import { type Location, locationEdit, locationList, type S3Spec } from '../../protocol/methods/locations.ts';
import { escaped, quoted } from '../../client/shown/text.ts';
import { counted } from '../../client/shown/units.ts';
import { type BucketCredentials, credentialFlags, typedCredentials } from '../bucketCredentials.ts';
import type { Call } from '../call.ts';
import { newName, reference } from '../names.ts';
import { agreeToPeriod, typedLockMode, typedPeriod } from '../protectionPeriod.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { bucketFlags, typedBucket } from '../typedBucket.ts';
import { credentialSentences, modeAlone, protectionSentences } from './bucketLocation.ts';
import { rateOf } from './limits.ts';
import { savedResult } from './savedLocation.ts';

/** Shorter ones name no id. */
const shortestPrefix = 4;

export async function edit(call: Call, session: Session): Promise<Result> {
  const changes = ['--path', '--rename', '--upload-limit', '--protection-period', '--lock-mode', ...bucketFlags, ...credentialFlags];
  if (!changes.some((flag) => call.isGiven(flag))) throw call.problem('nothing to change was given');
  const typed = reference('location', call.argument('NAME'));
  const path = call.text('--path');
  const name = call.text('--rename');
  const uploadLimit = rateOf(call, '--upload-limit');
  const protectionPeriodDays = typedPeriod(call);
  const lockMode = typedLockMode(call);
  const isOfBucket = [...bucketFlags, ...credentialFlags].some((flag) => call.isGiven(flag));
  if (isOfBucket && path !== undefined) throw call.problem('--path is for a folder, the rest for a bucket', 'Leave --path out.');
  const isToBeKnown = isOfBucket || protectionPeriodDays !== undefined || lockMode !== undefined;
  const present = isToBeKnown ? await found(typed, session) : undefined;
  if (lockMode !== undefined && protectionPeriodDays === undefined && present?.protectionPeriodDays === null) throw modeAlone(call);
  const bucket = present !== undefined && isOfBucket ? await changedBucket(call, present, session) : undefined;
  if (protectionPeriodDays !== undefined) await agreeToPeriod(protectionPeriodDays, session);
  const change = {
    ...(path === undefined ? {} : { path: session.resolvePath(path) }),
    ...(name === undefined ? {} : { name: newName('location', name) }),
    ...(uploadLimit === undefined ? {} : { uploadLimit }),
    ...(bucket === undefined ? {} : { spec: bucket.spec }),
    ...(protectionPeriodDays === undefined ? {} : { protectionPeriodDays }),
    ...(lockMode === undefined ? {} : { lockMode }),
  };
  const keys = bucket?.given?.keys;
  const saved = await session.ask(locationEdit, async () => ({
    location: present?.locationId ?? typed,
    ...change,
    ...(keys === undefined ? {} : { keys: await session.sendSecret(keys) }),
  }));
  const { location } = saved;
  if (location === null) return savedResult(saved, session, []);
  const isAboutLocks = protectionPeriodDays !== undefined || bucket?.given !== undefined;
  return savedResult(saved, session, [
    `Changed the location ${escaped(location.name)}.`,
    ...(present === undefined || protectionPeriodDays === undefined ? [] : periodSentences(present, location)),
    ...(isAboutLocks ? credentialSentences(location, bucket?.given ?? { isTemporary: false }, session) : []),
  ]);
}

interface ChangedBucket {
  readonly spec: S3Spec;
  /** Where other credentials were given. */
  readonly given: BucketCredentials | undefined;
}

async function changedBucket(call: Call, { name, s3 }: Location, session: Session): Promise<ChangedBucket> {
  if (s3 === null) {
    throw HoldfastError.failedTo('badValue', `change the location ${quoted(name)}`, 'it is a folder, and what was given is for a bucket', {
      fix: 'Say where the folder lies now with --path DIR, or add another location.',
    });
  }
  const given = await typedCredentials(call, session);
  return { spec: typedBucket(call, given?.credentials ?? s3.credentials, s3), given };
}

/** What a change of the period means for what is there. */
function periodSentences(before: Location, after: Location): string[] {
  const was = before.protectionPeriodDays;
  const is = after.protectionPeriodDays;
  if (was === null || is === null || was === is) return protectionSentences(after);
  return is > was
    ? [
        `Until everything there is locked for ${counted(is, 'day')} the promise stays at ${counted(was, 'day')}: holdfast immutability status.`,
      ]
    : [`Locks that are there run out by themselves; from now on they are kept ${counted(is, 'day')} ahead.`];
}

/** By its name, its id or a prefix of it, as the daemon finds it. */
async function found(typed: string, session: Session): Promise<Location> {
  const all = await session.list(locationList, {});
  const exact = all.find(({ name }) => name === typed) ?? all.find(({ locationId }) => locationId === typed);
  if (exact !== undefined) return exact;
  const byPrefix = typed.length < shortestPrefix ? [] : all.filter(({ locationId }) => locationId.startsWith(typed));
  const [only] = byPrefix;
  if (only !== undefined && byPrefix.length === 1) return only;
  if (only !== undefined) {
    throw HoldfastError.failedTo('ambiguousName', `find location ${quoted(typed)}`, `${byPrefix.length} ids begin with it`, {
      fix: 'Type more of the id.',
    });
  }
  throw HoldfastError.failedTo('unknownName', `find location ${quoted(typed)}`, 'there is none of that name or id', {
    fix: '"holdfast location list" shows what there is.',
  });
}
