import type { ListedVersion, VersionedObjects } from '../../locations/objectStore.ts';

/** So many versions are held at once. */
const held = 1000;

/**
 * The versions of one key, the oldest first, delete markers left out, in bounded memory: stores list the newest first, and whoever has the credentials may put any
 * number upon a key whose name he has seen. Those are listed once for each thousand that are read. Rejects as the store does.
 */
export async function* oldestFirst(versions: VersionedObjects, key: string, signal: AbortSignal): AsyncGenerator<ListedVersion> {
  let passed: string | undefined;
  for (;;) {
    let oldest: ListedVersion[] = [];
    let hasMore = false;
    for await (const version of versionsOf(versions, key, signal)) {
      if (version.versionId === passed) break;
      if (version.isDeleteMarker) continue;
      oldest.push(version);
      if (oldest.length < held * 2) continue;
      oldest = oldest.slice(-held);
      hasMore = true;
    }
    hasMore ||= oldest.length > held;
    const window = oldest.slice(-held);
    yield* window.toReversed();
    if (!hasMore) return;
    passed = window[0]?.versionId;
  }
}

async function* versionsOf(versions: VersionedObjects, key: string, signal: AbortSignal): AsyncGenerator<ListedVersion> {
  for await (const page of versions.list(key, { signal })) {
    for (const version of page) {
      // Keys that only begin so come behind it.
      if (version.key !== key) return;
      yield version;
    }
  }
}
