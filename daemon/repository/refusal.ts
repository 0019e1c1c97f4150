import { HoldfastError, type ErrorCode } from '../../protocol/errors.ts';

/** Every rule that a refusal may name. */
export const formatRules = [
  'headerTruncated',
  'headerMagic',
  'headerVersion',
  'headerSuite',
  'headerType',
  'headerLength',
  'headerFeatures',
  'headerKeyGeneration',
  'headerInstallation',
  'headerMasterKey',
  'headerScope',
  'headerObjectId',
  'headerSequence',
  'headerStore',
  'headerSlotHash',
  'headerSalt',
  'commitment',
  'bodyLength',
  'segmentTag',
  'contentLength',
  'zeroPadding',
  'storedLength',
  'storedHash',
  'packDirectory',
  'packBlock',
  'packChunk',
  'blockCodec',
  'blockLength',
  'chunkId',
  'indexCounts',
  'indexPrefix',
  'indexPack',
  'indexBlock',
  'indexOrder',
  'indexLocator',
  'indexPackMismatch',
  'sourceRoot',
  'treeNode',
  'treeOrder',
  'treeLevel',
  'treeFirstName',
  'treeDepth',
  'treeCycle',
  'entryLimit',
  'entryName',
  'entryKind',
  'entryTlv',
  'entryCritical',
  'entryContent',
  'listNode',
  'listLevel',
  'listCount',
  'fileLength',
  'liveList',
  'manifestJson',
  'manifestMembers',
  'manifestOwnerTag',
  'manifestName',
  'termJson',
  'termMembers',
  'slotSection',
  'bundleJson',
  'bundleMembers',
  'bundleOwnerTag',
  'bundleName',
  'bundleCatalog',
  'objectName',
  'missing',
] as const;

/** The rule of docs/format.md that stored bytes broke; `details.rule` of the error. */
export type FormatRule = (typeof formatRules)[number];

const fixOf: Readonly<Record<string, string>> = {
  damaged: 'Verify the restore point to see what is affected; the rest of it can be restored.',
  tampered: 'Verify the restore points of this location, and check who can write to it.',
  objectMissing: 'Verify the restore point to see what is affected; the rest of it can be restored.',
  unsupportedFormat: 'Read it with a newer version of Holdfast.',
};

/** The error for stored bytes that are not as docs/format.md demands. `subject` names the object, as in `pack 3f…`. */
export function refusal(
  subject: string,
  rule: FormatRule,
  cause: string,
  code: Extract<ErrorCode, 'damaged' | 'tampered' | 'objectMissing' | 'unsupportedFormat'> = 'damaged',
): HoldfastError {
  const fix = fixOf[code];
  return HoldfastError.failedTo(code, `read ${subject}`, cause, {
    ...(fix === undefined ? {} : { fix }),
    details: { rule, subject },
  });
}

/** The rule that `error` says was broken; `undefined` where it is no refusal of stored bytes. */
export function ruleOf(error: unknown): FormatRule | undefined {
  if (!HoldfastError.is(error, 'damaged', 'tampered', 'objectMissing', 'unsupportedFormat')) return undefined;
  const rule = error.details?.['rule'];
  return formatRules.find((known) => known === rule);
}
