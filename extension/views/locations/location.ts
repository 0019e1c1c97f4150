import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import { counted, duration, number, size } from '../../../client/shown/units.ts';
import { placeOf } from '../../../protocol/locationSpec.ts';
import type { LocationImmutability } from '../../../protocol/methods/immutability.ts';
import type { Location } from '../../../protocol/methods/locations.ts';
import { daysText } from '../../ui/daysText.ts';
import { fullTime, shortDay } from '../../ui/shownTime.ts';
import { verdictText } from '../../work/immutabilityReport.ts';
import { Row, type RowFacts, type RowIcon, rowColors } from '../row.ts';

/** `locks`: how its locks stand, where it keeps any and that was read. */
export function locationRow(location: Location, locks?: LocationImmutability): Row {
  const name = escaped(location.name);
  const description = [
    kindText(location.kind),
    immutabilityText(location),
    ...(locks === undefined || locks.findings === 0 ? [] : [findingsText(locks.findings)]),
    ...(location.safeUntil === null ? [] : [l10n.t('safe until {0}', shortDay(location.safeUntil))]),
    ...(locks === undefined || locks.slackSeconds === null ? [] : [slackText(locks.slackSeconds)]),
    ...(location.s3 === null ? [] : [escaped(placeOf({ kind: 's3', ...location.s3 }))]),
    ...(location.heldBytes === null ? [] : [l10n.t('{0} held', size(location.heldBytes))]),
  ].join(' · ');
  return new Row({
    id: location.locationId,
    label: name,
    description,
    icon: iconOf(location, locks),
    tooltip: [
      [l10n.t('Location'), name],
      [l10n.t('Kind'), kindText(location.kind)],
      ...placeFacts(location),
      [l10n.t('Immutability'), immutabilityText(location)],
      ...(location.lockProof === null
        ? []
        : [[l10n.t('Lock proof'), `${verdictText(location.lockProof.verdict)}, ${fullTime(location.lockProof.at)}`] as const]),
      ...(location.safeUntil === null ? [] : [[l10n.t('Safe until'), fullTime(location.safeUntil)] as const]),
      ...(locks === undefined ? [] : lockFacts(location, locks)),
      [l10n.t('Validated'), location.lastValidatedAt === null ? l10n.t('not yet') : fullTime(location.lastValidatedAt)],
      ...(location.heldBytes === null ? [] : [[l10n.t('Space held'), size(location.heldBytes)] as const]),
    ],
    accessibleLabel: l10n.t('Location {0}, {1}', name, description),
    context: [
      'location',
      location.kind,
      location.immutable ? 'immutable' : 'plain',
      ...(location.protectionPeriodDays === null ? [] : ['keepsLocks']),
    ],
    subject: { kind: 'location', id: location.locationId, name: location.name, keepsLocks: location.protectionPeriodDays !== null },
  });
}

function placeFacts({ path, s3 }: Location): NonNullable<RowFacts['tooltip']> {
  if (path !== null) return [[l10n.t('Folder'), escaped(path)]];
  if (s3 === null) return [];
  return [
    [l10n.t('Place'), escaped(placeOf({ kind: 's3', ...s3 }))],
    [l10n.t('Region'), escaped(s3.region)],
    ...(s3.endpoint === undefined ? [] : [[l10n.t('Endpoint'), endpointText(s3.endpoint)] as const]),
    [l10n.t('Credentials'), credentialsText(s3.credentials)],
  ];
}

/** Without a scheme, which the editor would make a link of. */
function endpointText(endpoint: string): string {
  const host = escaped(endpoint.replace(/^https?:\/\//, ''));
  return endpoint.startsWith('http:') ? l10n.t('{0}, plain http', host) : host;
}

function credentialsText(credentials: NonNullable<Location['s3']>['credentials']): string {
  switch (credentials.source) {
    case 'chain':
      return l10n.t('what AWS tools would use in the daemon');
    case 'profile':
      return l10n.t('profile {0}', escaped(credentials.profile));
    case 'role':
      return l10n.t('role {0}', escaped(credentials.roleArn));
    case 'sealed':
      return l10n.t('keys, sealed in the catalog');
  }
}

function lockFacts({ lockMode }: Location, locks: LocationImmutability): NonNullable<RowFacts['tooltip']> {
  const { promisedDays, protectionPeriodDays, slackSeconds, shortest, clockSkewSeconds } = locks;
  return [
    ...(lockMode === null ? [] : [[l10n.t('Mode'), modeText(lockMode)] as const]),
    ...(promisedDays === protectionPeriodDays ? [] : [[l10n.t('Promised now'), promiseText(promisedDays)] as const]),
    [l10n.t('Kept locked'), counted(locks.objects, 'object')],
    ...(shortest === null
      ? []
      : [[l10n.t('Shortest lock'), shortest.retainUntil === null ? l10n.t('not locked') : fullTime(shortest.retainUntil)] as const]),
    ...(slackSeconds === null
      ? []
      : [[l10n.t('Slack'), slackSeconds < 0 ? slackText(slackSeconds) : l10n.t('{0} above the promise', duration(slackSeconds))] as const]),
    [l10n.t('Last refresh'), locks.lastRefresh === null ? l10n.t('none yet') : fullTime(locks.lastRefresh)],
    [l10n.t('Next refresh'), locks.isRefreshing ? l10n.t('under way') : locks.nextRefresh === null ? '-' : fullTime(locks.nextRefresh)],
    [l10n.t('Calls a month'), number(locks.callsPerMonth)],
    [l10n.t('Last audit'), locks.lastAudit === null ? l10n.t('none yet') : fullTime(locks.lastAudit)],
    [l10n.t('Findings'), locks.findings === 0 ? l10n.t('none') : number(locks.findings)],
    ...(clockSkewSeconds === null || Math.abs(clockSkewSeconds) < skewToMention
      ? []
      : [[l10n.t('Clock'), skewText(clockSkewSeconds)] as const]),
  ];
}

/** Seconds. A clock that is off by less is as good as right. */
const skewToMention = 5;

function skewText(seconds: number): string {
  const off = duration(Math.abs(seconds));
  return seconds > 0 ? l10n.t("{0} ahead of the store's", off) : l10n.t("{0} behind the store's", off);
}

function promiseText(days: number | null): string {
  return days === null ? l10n.t('nothing before the first whole refresh') : daysText(days);
}

function modeText(mode: NonNullable<Location['lockMode']>): string {
  return mode === 'compliance'
    ? l10n.t('compliance: nobody can shorten a lock')
    : l10n.t('governance: who may bypass it can shorten a lock');
}

function slackText(seconds: number): string {
  return seconds < 0 ? l10n.t('{0} below the promise', duration(-seconds)) : l10n.t('slack {0}', duration(seconds));
}

function findingsText(findings: number): string {
  return findings === 1 ? l10n.t('1 finding') : l10n.t('{0} findings', number(findings));
}

function kindText(kind: Location['kind']): string {
  switch (kind) {
    case 'filesystem':
      return l10n.t('folder');
    case 's3':
      return 'S3';
    case 'azureBlob':
      return 'Azure Blob';
  }
}

/** "Immutable" only where the location is: one that keeps locks which the proof has shown to be worth nothing is not. */
function immutabilityText({ immutable, protectionPeriodDays, lockProof }: Location): string {
  if (protectionPeriodDays === null) return immutable ? l10n.t('immutable') : l10n.t('not immutable');
  const verdict = lockProof === null ? l10n.t('not proved yet') : verdictText(lockProof.verdict);
  const days = daysText(protectionPeriodDays);
  return immutable ? l10n.t('immutable for {0}, {1}', days, verdict) : l10n.t('locked for {0}, {1}', days, verdict);
}

function iconOf({ kind, immutable, lockProof, protectionPeriodDays }: Location, locks: LocationImmutability | undefined): RowIcon {
  const isBroken = lockProof !== null && (lockProof.verdict === 'bypassable' || lockProof.verdict === 'notEnforced');
  const isShort = locks !== undefined && locks.slackSeconds !== null && locks.slackSeconds < 0;
  if (isShort || (locks !== undefined && locks.findings > 0)) return { name: 'error', color: rowColors.error };
  if (isBroken || lockProof?.verdict === 'inconclusive') return { name: 'warning', color: rowColors.warning };
  if (immutable) return { name: 'lock' };
  return { name: kind === 'filesystem' ? 'folder-library' : protectionPeriodDays === null ? 'cloud' : 'unlock' };
}
