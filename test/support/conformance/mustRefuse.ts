import type { FormatRule } from '../../../daemon/repository/refusal.ts';

/** One clause of docs/format.md by which a reader refuses, and something that breaks it and nothing else. */
export interface MustRefuse {
  /** Of docs/format.md. */
  readonly section: string;
  readonly clause: string;
  /** The rule that the refusal names; a keyring's refusals have none, and are told apart by their code. */
  readonly refused: FormatRule | 'damagedKeyring' | 'newerKeyring';
  readonly run: () => unknown;
}

/** Copies `bytes` with `change` written at `at`. */
export function bent(bytes: Uint8Array, at: number, change: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(change, at);
  return copy;
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
