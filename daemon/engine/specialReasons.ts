import type { EntryKind } from '../repository/entry.ts';

/** Why an entry of this kind is left out of a backup or a restore. */
export const specialReasons: Readonly<Record<Exclude<EntryKind, 'file' | 'directory' | 'stream' | 'link'>, string>> = {
  fifo: 'it is a FIFO',
  socket: 'it is a socket',
  characterDevice: 'it is a device',
  blockDevice: 'it is a device',
};
