import type { Action, ActionProgress } from '../../protocol/methods/actions.ts';
import type { Host } from '../host.ts';
import type { Style } from './style.ts';
import { clipped, columnsOf, escaped } from '../../client/shown/text.ts';
import { counted, duration, number, size } from '../../client/shown/units.ts';

/** Off a terminal a line this often is enough to see that it lives. */
const plainLineSeconds = 10;

export interface ProgressDisplayOptions {
  readonly host: Pick<Host, 'err' | 'monotonic'>;
  readonly style: Style;
  /** Before everything: `Backing up work`. */
  readonly label: string;
}

/** Shows how an action goes on standard error: a line that is drawn again and again on a terminal, plain lines elsewhere. */
export class ProgressDisplay implements AsyncDisposable {
  readonly #options: ProgressDisplayOptions;
  #isDrawn = false;
  #nextPlainLine: number;

  constructor(options: ProgressDisplayOptions) {
    this.#options = options;
    this.#nextPlainLine = options.host.monotonic() + plainLineSeconds * 1000;
  }

  async show(action: Action): Promise<void> {
    const { host, label, style } = this.#options;
    const state = action.state === 'queued' ? 'waiting' : action.progress.phase;
    if (host.err.isTerminal) {
      this.#isDrawn = true;
      await host.err.write(
        `\r${progressLine({ label, phase: state, progress: action.progress, columns: host.err.columns, style })}\u001b[K`,
      );
      return;
    }
    if (host.monotonic() < this.#nextPlainLine) return;
    this.#nextPlainLine = host.monotonic() + plainLineSeconds * 1000;
    await host.err.write(`${escaped(label)}: ${[escaped(state), ...measures(action.progress)].join(', ')}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDrawn) await this.#options.host.err.write('\r\u001b[K');
  }
}

export interface ProgressLine {
  readonly label: string;
  readonly phase: string;
  readonly progress: ActionProgress;
  readonly columns: number;
  readonly style: Style;
}

const barColumns = 24;

/** One line that fits the terminal: label, bar, fraction, then as many measures as there is room for. */
export function progressLine({ label, phase, progress, columns, style }: ProgressLine): string {
  const room = Math.max(10, columns - 1);
  const parts = [clipped(escaped(label), Math.max(8, Math.floor(room / 3)))];
  const bar = progress.fraction === null ? '' : barOf(progress.fraction);
  const percent = progress.fraction === null ? escaped(phase) : `${Math.floor(progress.fraction * 100)} %`;
  const rest = [percent, ...measures(progress).filter((measure) => !measure.endsWith('%'))];
  const used = (): number => parts.reduce((sum, part) => sum + columnsOf(part) + 2, 0);
  const withBar = used() + columnsOf(bar) + columnsOf(percent) + 2 <= room;
  if (bar !== '' && withBar) parts.push(bar);
  for (const measure of rest) {
    if (used() + columnsOf(measure) > room) break;
    parts.push(measure);
  }
  const [first = '', ...others] = parts;
  return [style.bold(first), ...others.map((part) => (part === bar ? style.good(part) : part))].join('  ');
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

function barOf(fraction: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * barColumns * 8);
  const whole = '█'.repeat(Math.floor(filled / 8)) + (eighths[filled % 8] ?? '');
  return whole + '░'.repeat(Math.max(0, barColumns - whole.length));
}

function measures(progress: ActionProgress): string[] {
  const parts: string[] = [];
  if (progress.fraction !== null) parts.push(`${Math.floor(progress.fraction * 100)} %`);
  if (progress.files > 0) {
    parts.push(
      progress.totalFiles === null
        ? counted(progress.files, 'file')
        : `${number(progress.files)} of ${counted(progress.totalFiles, 'file')}`,
    );
  }
  if (progress.bytes > 0)
    parts.push(progress.totalBytes === null ? size(progress.bytes) : `${size(progress.bytes)} of ${size(progress.totalBytes)}`);
  if (progress.rate > 0) parts.push(`${size(progress.rate)}/s`);
  if (progress.secondsLeft !== null && Number.isFinite(progress.secondsLeft)) parts.push(`${timeLeft(progress.secondsLeft)} left`);
  return parts;
}

/** An estimate: without decimals. */
function timeLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : duration(whole);
}
