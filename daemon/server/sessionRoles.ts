import type { SessionRole } from '../../protocol/methods/claim.ts';

/** What one session at a time does for all: whoever claims it first has it until the session ends. */
export class SessionRoles {
  readonly #holders = new Map<SessionRole, object>();

  /** Whether the session has the role now; also where it had it before. */
  claim(session: object, role: SessionRole): boolean {
    const holder = this.#holders.get(role) ?? session;
    this.#holders.set(role, holder);
    return holder === session;
  }

  /** Gives up all that a session has; whether there was anything. */
  release(session: object): boolean {
    const held = Array.from(this.#holders).filter(([, holder]) => holder === session);
    for (const [role] of held) this.#holders.delete(role);
    return held.length > 0;
  }
}
