import type { AnyMethod } from '../../protocol/method.ts';
import { type ActionWithResult, isEnded } from '../../protocol/methods/actions.ts';
import type { AuditOutcome, AuditSubject } from '../../protocol/methods/auditLog.ts';
import type { ActionHistory } from '../actions/actionQueue.ts';
import type { AuditLog } from './auditLog.ts';

/** A method whose acts go on as actions of the queue. */
interface Audited {
  readonly verb: string;
  /** What the actions work on. */
  readonly subject: AuditSubject['kind'] | undefined;
}

/** The history of actions, with the audit log told how those ended that belong in it, and when one was started by a schedule. */
export class AuditedActions implements ActionHistory {
  readonly #history: ActionHistory;
  readonly #log: AuditLog;
  /** By the kind of the actions. */
  readonly #audited: ReadonlyMap<string, Audited>;

  constructor(history: ActionHistory, log: AuditLog, methods: readonly AnyMethod[]) {
    this.#history = history;
    this.#log = log;
    this.#audited = new Map(
      methods.flatMap(({ name: verb, audit }) =>
        audit?.action === undefined ? [] : [[audit.action, { verb, subject: Object.values(audit.subjects ?? {})[0] }]],
      ),
    );
  }

  insert(action: ActionWithResult, requestId: string, subjectId: string | null): void {
    const audited = this.#audited.get(action.kind);
    // Who asked for it is in the log already.
    if (audited !== undefined && action.startedBy === 'schedule') {
      const worksOn = audited.subject === undefined ? [] : [{ kind: audited.subject, id: subjectId }];
      this.#log.record({ verb: audited.verb, outcome: 'started', subjects: [...worksOn, itself(action)] });
    }
    this.#history.insert(action, requestId, subjectId);
  }

  update(action: ActionWithResult): void {
    this.#history.update(action);
    if (isEnded(action.state)) this.#ended(action, outcomeOf(action));
  }

  findByRequestId(requestId: string): ActionWithResult | undefined {
    return this.#history.findByRequestId(requestId);
  }

  /** The daemon ended in the middle of them. */
  interrupted(actions: readonly ActionWithResult[]): void {
    for (const action of actions) this.#ended(action, 'unknown');
  }

  #ended(action: ActionWithResult, outcome: AuditOutcome): void {
    const audited = this.#audited.get(action.kind);
    if (audited !== undefined)
      this.#log.note({ verb: audited.verb, outcome, code: action.error?.code ?? null, subjects: [itself(action)] });
  }
}

function itself({ actionId }: ActionWithResult): AuditSubject {
  return { kind: 'action', id: actionId };
}

function outcomeOf({ state }: ActionWithResult): AuditOutcome {
  if (state === 'cancelled') return 'cancelled';
  return state === 'failed' ? 'failed' : 'done';
}
