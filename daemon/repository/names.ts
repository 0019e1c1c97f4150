import { isUuid, type InstallationId, type PolicyId } from '../../protocol/ids.ts';
import { hexOf } from './bytes.ts';

/** A key of the grammar, taken apart. Only a hint: the authenticated header decides. */
export type ObjectName =
  | { readonly type: 'pack'; readonly installationId: string; readonly policyId: string; readonly objectId: Uint8Array }
  | {
      readonly type: 'index';
      readonly installationId: string;
      readonly policyId: string;
      readonly sequence: number;
      readonly objectId: Uint8Array;
    }
  | {
      readonly type: 'manifest';
      readonly installationId: string;
      readonly policyId: string;
      readonly sequence: number;
      /** Seconds, as in the name. */
      readonly time: string;
      readonly objectId: Uint8Array;
    }
  | { readonly type: 'keyring'; readonly installationId: string; readonly sequence: number; readonly objectId: Uint8Array };

export function packKey(installationId: InstallationId, policyId: PolicyId, objectId: Uint8Array): string {
  const hex = hexOf(objectId);
  return `${packsPrefix(installationId, policyId)}${hex.slice(0, 2)}/${hex}`;
}

export function indexKey(installationId: InstallationId, policyId: PolicyId, sequence: number, objectId: Uint8Array): string {
  return `${indexesPrefix(installationId, policyId)}${sequenceHex(sequence)}-${hexOf(objectId)}`;
}

/** `finished` is claimed.finished of the manifest. */
export function restorePointKey(
  installationId: InstallationId,
  policyId: PolicyId,
  sequence: number,
  finished: string,
  objectId: Uint8Array,
): string {
  return `${restorePointsPrefix(installationId, policyId)}${sequenceHex(sequence)}-${timeInName(finished)}-${hexOf(objectId)}`;
}

export function policiesPrefix(installationId: InstallationId): string {
  return `${installationId}/policies/`;
}

export function packsPrefix(installationId: InstallationId, policyId: PolicyId): string {
  return `${installationId}/policies/${policyId}/packs/`;
}

export function indexesPrefix(installationId: InstallationId, policyId: PolicyId): string {
  return `${installationId}/policies/${policyId}/indexes/`;
}

export function restorePointsPrefix(installationId: InstallationId, policyId: PolicyId): string {
  return `${installationId}/policies/${policyId}/restore-points/`;
}

export function condemnedPrefix(installationId: InstallationId, policyId: PolicyId): string {
  return `${installationId}/policies/${policyId}/condemned/`;
}

/** No version of this program takes terms: the place of their number is held by zeros (docs/format.md, Garbage collection). */
const noTerm = '0'.repeat(16);

export function condemnedKey(installationId: InstallationId, policyId: PolicyId, listId: Uint8Array): string {
  return `${condemnedPrefix(installationId, policyId)}${noTerm}-${hexOf(listId)}`;
}

/** The id of a list of condemned objects, of whatever term; `undefined` where the key is none of such a list. */
export function condemnedListId(key: string): Uint8Array | undefined {
  const parts = /\/condemned\/[0-9a-f]{16}-([0-9a-f]{32})$/.exec(key);
  return parts === null ? undefined : parseObjectId(parts[1] ?? '');
}

/** `20260102t030405z` of an RFC 3339 time, cut to seconds. */
export function timeInName(time: string): string {
  return `${time.slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()}z`;
}

/** The name that a key is; `undefined` where it is outside the grammar of packs, indexes, restore points and keyrings. */
export function parseObjectKey(key: string): ObjectName | undefined {
  const [installationId = '', room, ...rest] = key.split('/');
  if (!isUuid(installationId)) return undefined;
  if (room === 'keyring' && rest.length === 1) {
    const sequenced = parseSequenced(rest[0]);
    return sequenced === undefined ? undefined : { type: 'keyring', installationId, ...sequenced };
  }
  const [policyId = '', folder, first = '', second = ''] = rest;
  if (room !== 'policies' || !isUuid(policyId)) return undefined;
  if (folder === 'packs' && rest.length === 4) {
    const objectId = parseObjectId(second);
    return objectId === undefined || !second.startsWith(first) || first.length !== 2
      ? undefined
      : { type: 'pack', installationId, policyId, objectId };
  }
  if (rest.length !== 3) return undefined;
  if (folder === 'indexes') {
    const sequenced = parseSequenced(first);
    return sequenced === undefined ? undefined : { type: 'index', installationId, policyId, ...sequenced };
  }
  const parts = /^([0-9a-f]{16})-(\d{8}t\d{6}z)-([0-9a-f]{32})$/.exec(first);
  if (folder !== 'restore-points' || parts === null) return undefined;
  const sequenced = parseSequenced(`${parts[1]}-${parts[3]}`);
  return sequenced === undefined ? undefined : { type: 'manifest', installationId, policyId, time: parts[2] ?? '', ...sequenced };
}

function parseSequenced(part: string | undefined): { readonly sequence: number; readonly objectId: Uint8Array } | undefined {
  const parts = /^([0-9a-f]{16})-([0-9a-f]{32})$/.exec(part ?? '');
  const objectId = parseObjectId(parts?.[2] ?? '');
  const sequence = Number.parseInt(parts?.[1] ?? '', 16);
  return objectId === undefined || !Number.isSafeInteger(sequence) || sequence < 1 ? undefined : { sequence, objectId };
}

function parseObjectId(hex: string): Uint8Array | undefined {
  return /^[0-9a-f]{32}$/.test(hex) ? Uint8Array.from(Buffer.from(hex, 'hex')) : undefined;
}

function sequenceHex(sequence: number): string {
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw new RangeError(`sequence ${sequence}`);
  return sequence.toString(16).padStart(16, '0');
}
