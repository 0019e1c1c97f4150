import type { Call } from './call.ts';
import type { Result } from './result.ts';
import type { Session } from './session.ts';

/** What a verb does. Throws `HoldfastError`. */
export type Handler = (call: Call, session: Session) => Promise<Result>;
