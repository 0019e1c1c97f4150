import type { StoreId } from '../../../protocol/ids.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { MasterKey } from '../../keys/masterKey.ts';
import { type Entropy, systemEntropy } from '../../repository/entropy.ts';
import { openTerm, sealTerm, type Term, type TermKeys, termLength } from '../../repository/term.ts';
import { termKey, termNumber, termsPrefix } from '../../repository/termName.ts';

/** A term as it came out of its bytes. */
export interface DecodedTerm {
  readonly term: Term;
  /** 16 bytes. */
  readonly objectId: Uint8Array;
}

/** How the terms of one location are named, written and read. */
export interface TermCodec {
  /** All of them lie below it. */
  readonly prefix: string;
  /** Stored bytes of each. */
  readonly length: number;
  keyOf(n: number): string;
  /** `undefined` where the name is none that this installation would give. */
  numberOf(key: string): number | undefined;
  /** `undefined` where the bytes are no authentic term of that number and this location. */
  open(stored: Uint8Array, n: number): DecodedTerm | undefined;
  seal(term: Term): { readonly bytes: Uint8Array; readonly sha256: Uint8Array };
}

export function termKeysOf(masterKey: MasterKey): TermKeys {
  return { installationId: masterKey.installationId, masterKeyId: masterKey.masterKeyId, ownership: masterKey.ownershipKey() };
}

export function termCodec(keys: TermKeys, storeId: StoreId, entropy: Entropy = systemEntropy): TermCodec {
  return {
    prefix: termsPrefix(keys.installationId),
    length: termLength,
    keyOf: (n) => termKey(keys, n),
    numberOf: (key) => termNumber(keys, key),
    open: (stored, n) => {
      try {
        const { term, header } = openTerm(stored, keys, storeId, n);
        return { term, objectId: header.objectId };
      } catch (error) {
        if (HoldfastError.is(error, 'damaged', 'unsupportedFormat', 'wrongSecret')) return undefined;
        throw error;
      }
    },
    seal: (term) => sealTerm(term, keys, storeId, entropy),
  };
}
