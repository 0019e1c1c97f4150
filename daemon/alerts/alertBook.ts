import { randomUUID } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import { type Alert, type AlertKind, type AlertSeverity, snoozeSecondsMost } from '../../protocol/methods/alerts.ts';

/** An alert as it is kept. */
export interface AlertRecord extends Alert {
  /** With the kind it says which alert this is: the id of a policy, a location, …; a fixed word where there is only one. */
  readonly subjectId: string;
  /** When the snooze began, by the clock of that time. */
  readonly snoozedAt: string | null;
}

export type AlertChanges = Partial<
  Pick<
    AlertRecord,
    'severity' | 'subject' | 'message' | 'fix' | 'detail' | 'safeUntil' | 'state' | 'snoozedAt' | 'snoozedUntil' | 'resolvedAt'
  >
>;

/** Where alerts outlive the process. Handed in: the catalog's table. */
export interface AlertStore {
  /** Whether details can be read and written now; where not, every one reads as `null`. */
  readonly detailsAreOpen: boolean;
  add(alert: AlertRecord): void;
  get(id: string): AlertRecord | undefined;
  byIdPrefix(prefix: string): readonly AlertRecord[];
  /** The one that is not resolved. */
  raised(kind: AlertKind, subjectId: string): AlertRecord | undefined;
  /** All that are not resolved, newest first. */
  unresolved(): readonly AlertRecord[];
  list(page: PageParams & { readonly all: boolean }): Page<AlertRecord>;
  change(id: string, changes: AlertChanges): void;
  /** Forgets the oldest resolved ones but for so many. */
  forgetResolved(keep: number): void;
}

/** What somebody found out. */
export interface Cause {
  readonly kind: AlertKind;
  readonly subjectId: string;
  readonly subject: string;
  readonly severity: AlertSeverity;
  /** Without paths: it is not sealed. */
  readonly message: string;
  readonly fix: string;
  /** May name files. */
  readonly detail?: string;
  /** Until when nothing is lost although it is so; RFC 3339. */
  readonly safeUntil?: string;
  readonly policyId?: string;
  readonly locationId?: string;
  readonly restorePointId?: string;
  readonly slotId?: string;
}

export interface AlertBookOptions {
  readonly store: AlertStore;
  readonly wallClock: () => Date;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  readonly onChanged: (alertId: string) => void;
}

const resolvedKept = 1000;
/** Clocks are set by a little all the time. */
const clockToleranceMs = 5 * 60_000;
const rank: Readonly<Record<AlertSeverity, number>> = { info: 0, warning: 1, error: 2 };

/** What the user must know. Whoever finds a cause says so as often as it likes, and says when it is gone; the book makes one alert of it. */
export class AlertBook {
  readonly #options: AlertBookOptions;
  /** When snoozes end by the monotonic clock, whatever the wall clock is set to. */
  readonly #snoozeEnds: Map<string, number> = new Map();

  constructor(options: AlertBookOptions) {
    this.#options = options;
  }

  /** Once for its kind and subject: a cause that is known already changes the words alone, and opens the alert again where it has become worse. */
  raise(cause: Cause): void {
    const { store, wallClock } = this.#options;
    const { kind, subjectId, subject, severity, message, fix, detail = null, safeUntil = null } = cause;
    const known = store.raised(kind, subjectId);
    if (known === undefined) {
      const id = randomUUID();
      store.add({
        id,
        kind,
        subjectId,
        subject,
        severity,
        message,
        fix,
        detail,
        since: wallClock().toISOString(),
        safeUntil,
        state: 'open',
        policyId: cause.policyId ?? null,
        locationId: cause.locationId ?? null,
        restorePointId: cause.restorePointId ?? null,
        slotId: cause.slotId ?? null,
        snoozedAt: null,
        snoozedUntil: null,
        resolvedAt: null,
      });
      this.#options.onChanged(id);
      return;
    }
    const isWorse = rank[severity] > rank[known.severity];
    const isSame =
      known.subject === subject &&
      known.message === message &&
      known.fix === fix &&
      known.severity === severity &&
      known.safeUntil === safeUntil;
    if (isSame && (detail === null || !store.detailsAreOpen || detail === known.detail)) return;
    this.#change(known, {
      subject,
      severity,
      message,
      fix,
      safeUntil,
      ...(detail === null ? {} : { detail }),
      ...(isWorse ? opened : {}),
    });
  }

  /** The cause is gone. Nothing to do where there is no such alert. */
  resolve(kind: AlertKind, subjectId: string): void {
    const known = this.#options.store.raised(kind, subjectId);
    if (known !== undefined) this.#resolve(known);
  }

  /** Everything about a policy, location, restore point or slot that is no more. */
  resolveAllOf(id: string): void {
    for (const alert of this.#options.store.unresolved()) {
      const { subjectId, policyId, locationId, restorePointId, slotId } = alert;
      if ([subjectId, policyId, locationId, restorePointId, slotId].includes(id)) this.#resolve(alert);
    }
  }

  /** Those that are not resolved, of one kind. */
  raised(kind: AlertKind): readonly AlertRecord[] {
    return this.#options.store.unresolved().filter((alert) => alert.kind === kind);
  }

  /** Newest first. */
  list(params: PageParams & { readonly all: boolean }): Page<Alert> {
    this.refresh();
    const { items, next } = this.#options.store.list(params);
    return { items: items.map(shown), next };
  }

  /** Open ones: what a badge counts. */
  counts(): { readonly error: number; readonly warning: number } {
    this.refresh();
    const open = this.#options.store.unresolved().filter(({ state }) => state === 'open');
    const of = (severity: AlertSeverity): number => open.filter((alert) => alert.severity === severity).length;
    return { error: of('error'), warning: of('warning') };
  }

  acknowledge(reference: string): Alert {
    const alert = this.#find(reference);
    if (alert.state !== 'open' && alert.state !== 'snoozed') return shown(alert);
    return shown(this.#change(alert, { state: 'acknowledged', snoozedAt: null, snoozedUntil: null }));
  }

  /** For so many seconds from now, or until a time. Throws `unknownName`, `ambiguousName`, `badValue`. */
  snooze(reference: string, span: { readonly for?: number; readonly until?: string }): Alert {
    const { wallClock, now } = this.#options;
    const alert = this.#find(reference);
    const at = wallClock();
    const milliseconds = snoozeMilliseconds(span, at);
    if (alert.state === 'resolved') return shown(alert);
    this.#snoozeEnds.set(alert.id, now() + milliseconds);
    const snoozedUntil = new Date(at.getTime() + milliseconds).toISOString();
    return shown(this.#change(alert, { state: 'snoozed', snoozedAt: at.toISOString(), snoozedUntil }));
  }

  /** Opens what has been snoozed for long enough. Asked for at every look and at least every minute. */
  refresh(): void {
    const { store, wallClock, now } = this.#options;
    const wall = wallClock().getTime();
    for (const alert of store.unresolved()) {
      if (alert.state !== 'snoozed') continue;
      const began = Date.parse(alert.snoozedAt ?? '');
      const ends = Date.parse(alert.snoozedUntil ?? '');
      // A clock that was set back would make a snooze as long as the jump.
      const isRunning = wall < ends && wall > began - clockToleranceMs && now() < (this.#snoozeEnds.get(alert.id) ?? Infinity);
      if (!isRunning) this.#change(alert, opened);
    }
  }

  #find(reference: string): AlertRecord {
    this.refresh();
    const [only, second] = this.#options.store.byIdPrefix(reference);
    if (only === undefined) {
      throw new HoldfastError('unknownName', `Failed to find alert "${reference}": there is none.`, {
        fix: '"holdfast alert list --all" shows them.',
      });
    }
    if (second === undefined) return only;
    throw new HoldfastError('ambiguousName', `Failed to find alert "${reference}": several ids begin with it.`, {
      fix: 'Type more of the id.',
    });
  }

  #resolve(alert: AlertRecord): void {
    const { store, wallClock } = this.#options;
    this.#change(alert, { state: 'resolved', resolvedAt: wallClock().toISOString(), snoozedAt: null, snoozedUntil: null });
    store.forgetResolved(resolvedKept);
  }

  #change(alert: AlertRecord, changes: AlertChanges): AlertRecord {
    this.#options.store.change(alert.id, changes);
    if (changes.state !== undefined && changes.state !== 'snoozed') this.#snoozeEnds.delete(alert.id);
    this.#options.onChanged(alert.id);
    return { ...alert, ...changes };
  }
}

const opened: AlertChanges = { state: 'open', snoozedAt: null, snoozedUntil: null };

function shown(record: AlertRecord): Alert {
  const { subjectId: _, snoozedAt: __, ...alert } = record;
  return alert;
}

function snoozeMilliseconds(span: { readonly for?: number; readonly until?: string }, at: Date): number {
  if ((span.for === undefined) === (span.until === undefined)) {
    throw new HoldfastError('badValue', 'Failed to snooze: say for how long, or until when.', { fix: 'Give one of the two.' });
  }
  const seconds = span.for ?? (Date.parse(span.until ?? '') - at.getTime()) / 1000;
  if (seconds > 0 && seconds <= snoozeSecondsMost) return Math.round(seconds * 1000);
  throw new HoldfastError('badValue', 'Failed to snooze: the end lies in the next year.', {
    fix: 'Give a duration such as 8h or 7d.',
  });
}
