import { createHash, type KeyObject } from 'node:crypto';
import { uuidText } from '../../protocol/ids.ts';
import { sameBytes } from './bytes.ts';
import { openObject } from './container.ts';
import type { ExpectedIdentity, ObjectHeader } from './header.ts';
import { IndexView } from './indexView.ts';
import type { PinnedIndex } from './manifestTypes.ts';
import { parseObjectKey, type ObjectName } from './names.ts';
import { refusal } from './refusal.ts';

/** What an index shares with the header of the manifest that pins it. */
export type IndexScope = Pick<ObjectHeader, 'installationId' | 'scopeId' | 'storeId'> &
  Pick<ExpectedIdentity, 'masterKeyId' | 'keyGeneration'>;

/** What a manifest says of the stored bytes of an index. */
export type IndexPin = Omit<PinnedIndex, 'versionId'>;

export function indexSubject(key: string): string {
  return `index ${key.slice(key.lastIndexOf('/') + 1)}`;
}

/** So much of an object is read as a pinned index: a byte more than is pinned shows that there is more, whatever the store claims to have. */
export function indexReadLength(pinned: Pick<PinnedIndex, 'length'>): number {
  return pinned.length + 1;
}

/** The parts of a pinned key. Throws `damaged` (`objectName`) outside the grammar, of another installation or policy, or of another object. */
export function pinnedIndexName(
  pinned: Pick<IndexPin, 'key' | 'objectId'>,
  scope: IndexScope,
): Extract<ObjectName, { readonly type: 'index' }> {
  const name = parseObjectKey(pinned.key);
  const isOwn = name?.type === 'index' && name.installationId === scope.installationId && name.policyId === uuidText(scope.scopeId);
  if (!isOwn) throw refusal(indexSubject(pinned.key), 'objectName', 'it belongs to another installation or policy');
  if (!sameBytes(name.objectId, pinned.objectId))
    throw refusal(indexSubject(pinned.key), 'objectName', 'its name is that of another object');
  return name;
}

/**
 * Opens the stored bytes of an index that an authentic manifest pins: name, length, SHA-256, identity, salt, content (docs/format.md, 8.2).
 * `keyOf` gives the index key for a header, or throws. Throws a refusal; it refuses this index, not the manifest.
 */
export function openPinnedIndex(
  pinned: IndexPin,
  stored: Uint8Array,
  scope: IndexScope,
  keyOf: (header: ObjectHeader) => KeyObject,
): IndexView {
  const subject = indexSubject(pinned.key);
  const { sequence } = pinnedIndexName(pinned, scope);
  if (stored.length !== pinned.length) {
    throw refusal(subject, 'storedLength', `it has ${stored.length} of its ${pinned.length} bytes`);
  }
  if (!sameBytes(createHash('sha256').update(stored).digest(), pinned.sha256)) {
    throw refusal(subject, 'storedHash', 'its bytes are not those that the manifest records');
  }
  const expected = { ...scope, type: 'index', objectId: pinned.objectId, sequence } as const;
  const { header, content } = openObject(stored, expected, keyOf, subject);
  if (!sameBytes(header.salt, pinned.salt)) throw refusal(subject, 'headerSalt', 'its salt is not the one that the manifest records');
  return new IndexView(content, subject);
}
