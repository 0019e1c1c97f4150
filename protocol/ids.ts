declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** Lower-case UUIDs with hyphens. */
export type InstallationId = Branded<string, 'InstallationId'>;
export type PolicyId = Branded<string, 'PolicyId'>;
export type SlotId = Branded<string, 'SlotId'>;
export type StoreId = Branded<string, 'StoreId'>;
export type SourceId = Branded<string, 'SourceId'>;
export type LocationId = Branded<string, 'LocationId'>;
export type ActionId = Branded<string, 'ActionId'>;
/** A restore point's id: the UUID made from its manifest's 16-byte objectId. */
export type RestorePointId = Branded<string, 'RestorePointId'>;

export type Milliseconds = Branded<number, 'Milliseconds'>;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

function isIdOf<Id extends string>(text: string): text is Id {
  return isUuid(text);
}

/** The text as an id of the kind that is asked for. Throws `RangeError` on anything but a lower-case UUID with hyphens. */
export function idOf<Id extends string>(text: string): Id {
  if (!isIdOf<Id>(text)) throw new RangeError(`not a lower-case UUID: ${JSON.stringify(text.slice(0, 64))}`);
  return text;
}

/** The 16 raw bytes of a UUID in network order. Throws `RangeError` on anything but a lower-case UUID with hyphens. */
export function uuidBytes(uuid: string): Uint8Array<ArrayBuffer> {
  if (!isUuid(uuid)) throw new RangeError(`not a lower-case UUID: ${JSON.stringify(uuid.slice(0, 64))}`);
  return Uint8Array.from(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
}

/** The UUID text of 16 raw bytes. */
export function uuidText(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new RangeError(`a UUID has 16 bytes, not ${bytes.length}`);
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
