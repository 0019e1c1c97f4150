import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { InstallationId } from '../../protocol/ids.ts';
import { hexOf } from './bytes.ts';
import { timeInName } from './names.ts';

/** What the name of a bundle says, once its HMAC held. The header says which object it is. */
export interface BundleName {
  /** Below the location's prefix. */
  readonly key: string;
  /** `created` of the bundle, cut to seconds: `20260102t030405z`. */
  readonly time: string;
  /** 16 bytes: the object id. */
  readonly bundleId: Uint8Array;
}

/** `<installationId>/recovery/` (docs/format.md, Names in the store). */
export function recoveryPrefix(installationId: InstallationId): string {
  return `${installationId}/recovery/`;
}

/** The names of the bundles of one installation under one DR passphrase. What authenticates a name is one HMAC, so that junk is dismissed unread. */
export class BundleNames {
  readonly #prefix: string;
  readonly #nameKey: KeyObject;

  constructor(installationId: InstallationId, nameKey: KeyObject) {
    this.#prefix = recoveryPrefix(installationId);
    this.#nameKey = nameKey;
  }

  /** `created` is that of the bundle's JSON. */
  nameOf(created: string, bundleId: Uint8Array): BundleName {
    const [time, id] = [timeInName(created), hexOf(bundleId)];
    return { key: `${this.#prefix}${time}-${id}-${hexOf(this.#tagOf(time, id))}`, time, bundleId };
  }

  /** `undefined` for whatever has no name that this passphrase made. */
  read(key: string): BundleName | undefined {
    const parts = partsOf(this.#prefix, key);
    if (parts === undefined) return undefined;
    const { time, id, tag } = parts;
    return timingSafeEqual(this.#tagOf(time, id), Buffer.from(tag, 'hex')) ? { key, time, bundleId: bytesOf(id) } : undefined;
  }

  #tagOf(time: string, id: string): Buffer {
    const tag = createHmac('sha256', this.#nameKey).update(`${time}${id}`, 'ascii').digest();
    return tag.subarray(0, 16);
  }
}

/** The form of a bundle's name: a hint, of which nothing is proved. `undefined` for any other key. */
export function claimedBundleName(installationId: InstallationId, key: string): BundleName | undefined {
  const parts = partsOf(recoveryPrefix(installationId), key);
  return parts === undefined ? undefined : { key, time: parts.time, bundleId: bytesOf(parts.id) };
}

const nameLength = 16 + 1 + 32 + 1 + 32;
const namePattern = /^(\d{8}t\d{6}z)-([0-9a-f]{32})-([0-9a-f]{32})$/;

function partsOf(prefix: string, key: string): { readonly time: string; readonly id: string; readonly tag: string } | undefined {
  if (key.length !== prefix.length + nameLength || !key.startsWith(prefix)) return undefined;
  const parts = namePattern.exec(key.slice(prefix.length));
  return parts === null ? undefined : { time: parts[1] ?? '', id: parts[2] ?? '', tag: parts[3] ?? '' };
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}
