import { type Location, locationAdd } from '../../protocol/methods/locations.ts';
import { escaped, shellWord } from '../../client/shown/text.ts';
import { counted } from '../../client/shown/units.ts';
import { type BucketCredentials, typedCredentials, usualCredentials } from '../bucketCredentials.ts';
import type { Call } from '../call.ts';
import { newName } from '../names.ts';
import { agreeToPeriod, typedLockMode, typedPeriod } from '../protectionPeriod.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { typedBucket } from '../typedBucket.ts';
import { rateOf } from './limits.ts';
import { savedResult } from './savedLocation.ts';

export async function addS3(call: Call, session: Session): Promise<Result> {
  const name = newName('location', call.argument('NAME'));
  const protectionPeriodDays = typedPeriod(call);
  const lockMode = typedLockMode(call);
  if (lockMode !== undefined && protectionPeriodDays === undefined) throw modeAlone(call);
  const uploadLimit = rateOf(call, '--upload-limit') ?? undefined;
  const given = (await typedCredentials(call, session)) ?? (await usualCredentials(session));
  const spec = typedBucket(call, given.credentials);
  if (protectionPeriodDays !== undefined) await agreeToPeriod(protectionPeriodDays, session);
  const saved = await session.call(locationAdd, {
    name,
    spec,
    ...(given.keys === undefined ? {} : { keys: await session.sendSecret(given.keys) }),
    ...(protectionPeriodDays === undefined ? {} : { protectionPeriodDays }),
    ...(lockMode === undefined ? {} : { lockMode }),
    ...(uploadLimit === undefined ? {} : { uploadLimit }),
  });
  const sentences =
    saved.location === null
      ? []
      : [
          `Added the location ${escaped(name)}.`,
          ...protectionSentences(saved.location),
          ...credentialSentences(saved.location, given, session),
        ];
  return savedResult(saved, session, sentences);
}

export function modeAlone(call: Call): Error {
  return call.problem('--lock-mode says how things are locked, and nothing is', 'Give --protection-period DAYS too, such as 30.');
}

/** What may be relied on there. */
export function protectionSentences({ name, protectionPeriodDays, lockMode, lockProof }: Location): string[] {
  const word = shellWord(name);
  if (protectionPeriodDays === null) {
    return [
      'It is not immutable: who holds its credentials can delete backups.',
      `To lock what is stored there: holdfast location edit ${word} --protection-period 30.`,
    ];
  }
  const period = counted(protectionPeriodDays, 'day');
  const locked = `Everything that is stored there is locked (${lockMode ?? 'compliance'}), and kept locked for ${period} ahead for as long as it is needed.`;
  switch (lockProof?.verdict) {
    case 'enforced':
      return [`${locked} The lock is proved.`];
    case 'bypassable':
    case 'notEnforced':
      return [
        `${locked} But the proof has shown that the lock does not hold, so nothing there is called immutable: holdfast location prove-lock ${word}.`,
      ];
    case 'inconclusive':
    case undefined:
      return [`${locked} Whether the lock holds is tried next, and again each week: holdfast location prove-lock ${word} tries it now.`];
  }
}

/** What the credentials that are in use there now can not do. */
export function credentialSentences(
  { s3, protectionPeriodDays }: Location,
  given: Pick<BucketCredentials, 'isTemporary'>,
  { style }: Session,
): string[] {
  if (s3?.credentials.source !== 'sealed') return [];
  return [
    ...(protectionPeriodDays === null
      ? []
      : [
          style.warning('Its keys lie sealed in the catalog: while the daemon is locked it can not keep the locks long enough.'),
          'Leave it unlocked (holdfast unattended), or give credentials that need no key: --profile P, --role-arn ARN or --credentials chain.',
        ]),
    ...(given.isTemporary ? [style.warning('Its keys are temporary: once they have run out nothing can be stored or locked there.')] : []),
  ];
}
