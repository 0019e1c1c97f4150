import type { AlertWatch } from '../../alerts/alertWatch.ts';
import type { Row } from '../row.ts';
import type { Change, RowSource } from '../rowTree.ts';
import { alertRow } from './alert.ts';
import { settledAlertsRow } from './settledAlerts.ts';

const order = ['error', 'warning', 'info'] as const;

/** Alerts that ask for something, the gravest first; behind them those that do not. Shown while the daemon is locked too. */
export class AlertRows implements RowSource {
  readonly #watch: AlertWatch;
  readonly #now: () => Date;

  constructor(watch: AlertWatch, now: () => Date) {
    this.#watch = watch;
    this.#now = now;
  }

  async roots(): Promise<readonly Row[]> {
    const now = this.#now();
    const alerts = await this.#watch.latest();
    const open = alerts
      .filter(({ state }) => state === 'open')
      .toSorted((left, right) => order.indexOf(left.severity) - order.indexOf(right.severity));
    const settled = alerts.filter(({ state }) => state === 'acknowledged' || state === 'snoozed');
    return [...open.map((alert) => alertRow(alert, now)), ...settledAlertsRow(settled.map((alert) => alertRow(alert, now)))];
  }

  /** The watch tells when there is something new. */
  async changeOf(): Promise<Change> {
    return 'nothing';
  }
}
