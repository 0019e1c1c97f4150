import type { DataFacts, DataKind } from './data.ts';

export interface Sample {
  readonly contestant: string;
  readonly data: DataKind;
  readonly firstBackup: number;
  readonly unchangedBackup: number;
  readonly restore: number;
  readonly storedBytes: number;
  readonly peakBytes: number;
}

export interface ContestantFacts {
  readonly name: string;
  readonly mode: string;
  readonly version: string;
}

type Column = 'firstBackup' | 'unchangedBackup' | 'restore' | 'storedBytes' | 'peakBytes';

interface ColumnStyle {
  readonly title: string;
  readonly show: (value: number) => string;
}

const columns: readonly (readonly [Column, ColumnStyle])[] = [
  ['firstBackup', { title: 'first backup, s', show: (value) => value.toFixed(2) }],
  ['unchangedBackup', { title: 'unchanged, s', show: (value) => value.toFixed(2) }],
  ['restore', { title: 'restore, s', show: (value) => value.toFixed(2) }],
  ['storedBytes', { title: 'stored, MiB', show: (value) => (value / 2 ** 20).toFixed(0) }],
  ['peakBytes', { title: 'peak memory, MB', show: (value) => (value === 0 ? '?' : (value / 1e6).toFixed(0)) }],
];

/** The middle value; of an even number the mean of the two in the middle. Throws `RangeError` on none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  const high = sorted[Math.ceil((sorted.length - 1) / 2)];
  if (low === undefined || high === undefined) throw new RangeError('there is no median of nothing');
  return (low + high) / 2;
}

function mediansOf(samples: readonly Sample[]): Readonly<Record<Column, number>> {
  const of = (column: Column): number => median(samples.map((sample) => sample[column]));
  return {
    firstBackup: of('firstBackup'),
    unchangedBackup: of('unchangedBackup'),
    restore: of('restore'),
    storedBytes: of('storedBytes'),
    peakBytes: of('peakBytes'),
  };
}

/**
 * One Markdown table: medians, and behind those of a peer how many times Holdfast's they are (above 1: Holdfast needs less).
 */
export function table(kind: DataKind, facts: DataFacts, contestants: readonly ContestantFacts[], samples: readonly Sample[]): string {
  const ours = samples.filter((sample) => sample.contestant === 'holdfast' && sample.data === kind);
  const base = ours.length === 0 ? undefined : mediansOf(ours);
  const rows = contestants.flatMap(({ name }) => {
    const own = samples.filter((sample) => sample.contestant === name && sample.data === kind);
    if (own.length === 0) return [];
    const medians = mediansOf(own);
    const cells = columns.map(([column, { show }]) => {
      const value = medians[column];
      const ratio =
        base === undefined || name === 'holdfast' || base[column] === 0 || value === 0 ? '' : ` (${(value / base[column]).toFixed(2)})`;
      return `${show(value)}${ratio}`;
    });
    return [`| ${[name, ...cells].join(' | ')} |`];
  });
  return [
    `### ${kind}: ${facts.files.toLocaleString('en')} files, ${(facts.bytes / 1e6).toFixed(0)} MB`,
    '',
    `| | ${columns.map(([, { title }]) => title).join(' | ')} |`,
    `|---|${columns.map(() => '---:').join('|')}|`,
    ...rows,
  ].join('\n');
}

/** What the parts of the page are called in its marks. */
export const sectionNames = {
  folder: 'results',
  s3: 'results on S3',
  slowS3: 'results on S3 far away',
  locks: 'results of locks',
  passkeys: 'results of passkeys',
  recovery: 'results of recovery',
} as const;

/** The page with what stands between the two marks of a section replaced. Throws where they are not there. */
export function withResults(page: string, section: string, results: string): string {
  const begin = `<!-- ${section} -->`;
  const end = `<!-- end of ${section} -->`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md lacks its marks ${begin} and ${end}`);
  return `${page.slice(0, from + begin.length)}\n${results}\n${page.slice(to)}`;
}
