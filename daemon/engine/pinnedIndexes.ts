import { createHash, type KeyObject } from 'node:crypto';
import { openObject } from '../repository/container.ts';
import type { ExpectedIdentity, ObjectHeader } from '../repository/header.ts';
import { IndexView } from '../repository/indexView.ts';

/**
 * Opens an index whose stored bytes an authentic manifest pins: SHA-256, identity, content. `undefined` where the bytes are others; throws a
 * refusal where they are no index as docs/format.md has it.
 */
export function openPinnedIndex(
  pinned: { readonly key: string; readonly objectId: Uint8Array; readonly sha256: Uint8Array },
  stored: Uint8Array,
  scope: Omit<ExpectedIdentity, 'type' | 'objectId'>,
  keyOf: (header: ObjectHeader) => KeyObject,
): IndexView | undefined {
  if (!createHash('sha256').update(stored).digest().equals(pinned.sha256)) return undefined;
  const subject = `index ${pinned.key.slice(pinned.key.lastIndexOf('/') + 1)}`;
  const expected = { ...scope, type: 'index', objectId: pinned.objectId } as const;
  return new IndexView(openObject(stored, expected, keyOf, subject).content, subject);
}
