import type { Heads } from '../../daemon/keys/heads.ts';

/** What a keyring or a manifest knows of others before there are any. */
export const noHeads: Heads = { policies: {}, keyring: null, term: null };
