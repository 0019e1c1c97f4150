import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { root } from '../run.ts';
import { type LayerReport, layerReport } from '../testReport.ts';
import type { Look } from './stage.ts';

export interface DrillOutcome {
  readonly id: string;
  readonly title: string;
  readonly looks: readonly Look[];
  readonly seed: number;
  readonly seconds: number;
}

interface ReadReport extends LayerReport {
  readonly layer: string;
  readonly writtenAt: Date;
}

const layers = ['unit', 'integration', 'process', 'host'] as const;
const page = path.join('docs', 'drills.md');
/** The threats that a store, its account, a key service, or time are behind. */
const ids = [
  'R1',
  'R2',
  'R3',
  'R4',
  'R5',
  'R7',
  'R8',
  ...Array.from({ length: 11 }, (_, index) => `S${index + 1}`),
  'F1',
  'F2',
  'F3',
  'X8',
  'M8',
  'D1',
  'D2',
  'D6',
  'D7',
];

const played = path.join(root, '.cache', 'drills.json');
const playedDrills = z.strictObject({
  at: z.iso.datetime(),
  outcomes: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      looks: z.array(z.strictObject({ sentence: z.string(), holds: z.boolean() })),
      seed: z.int(),
      seconds: z.number(),
    }),
  ),
});

/** Writes what the drills have shown, and how many cases of the last test runs stand behind each id. Gives the path of the page. */
export function writeDrills(outcomes: readonly DrillOutcome[], at: Date = new Date()): string {
  writeFileSync(played, JSON.stringify({ at: at.toISOString(), outcomes }));
  return writeDrillsAgain();
}

/** Writes the page of the drills that were played last, with the cases of the tests that ran since. Throws where none were played. */
export function writeDrillsAgain(): string {
  const { at, outcomes } = playedDrills.parse(JSON.parse(readFileSync(played, 'utf8')));
  writeFileSync(path.join(root, page), pageOf(outcomes, readReports(), new Date(at)));
  return page;
}

/** What the layers left behind when they last ran; one that never ran, or not to its end, is not there. */
function readReports(): readonly ReadReport[] {
  return layers.flatMap((layer) => {
    const file = path.join(root, '.cache', 'test-reports', `${layer}.json`);
    if (!existsSync(file)) return [];
    const parsed = layerReport.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return parsed.success ? [{ ...parsed.data, layer, writtenAt: statSync(file).mtime }] : [];
  });
}

/** The page as text: nothing in it but what was run and counted. */
export function pageOf(outcomes: readonly DrillOutcome[], reports: readonly ReadReport[], now: Date): string {
  const rows = ids.map((id) => {
    const drill = outcomes.find((outcome) => outcome.id === id);
    const cases = reports.flatMap((report) => report.cases.filter((one) => one.state !== 'skipped' && one.ids.includes(id)));
    const failed = cases.filter(({ state }) => state === 'failed').length;
    const seeds = reports.filter((report) => report.cases.some((one) => one.ids.includes(id))).map(({ seed }) => String(seed));
    const looks = drill === undefined ? '-' : `${drill.looks.filter(({ holds }) => holds).length} of ${drill.looks.length}`;
    const isBroken = failed > 0 || drill?.looks.some(({ holds }) => !holds) === true;
    const outcome = isBroken ? '**did not hold**' : cases.length === 0 && drill === undefined ? 'nothing ran' : 'held';
    return `| ${id} | ${looks} | ${drill === undefined ? '-' : drill.seed} | ${cases.length === 0 ? '-' : cases.length} | ${[...new Set(seeds)].join(', ') || '-'} | ${outcome} |`;
  });
  const parts = outcomes.map(({ id, title, looks, seconds }) =>
    [
      `### ${id}: ${title}`,
      '',
      ...looks.map(({ sentence, holds }) => `- ${holds ? '' : '**Did not hold:** '}${sentence}`),
      '',
      `${Math.round(seconds)} s.`,
    ].join('\n'),
  );
  const runs = reports.map(
    ({ layer, cases, seed, writtenAt }) => `| ${layer} | ${writtenAt.toISOString().slice(0, 16)}Z | ${cases.length} | ${seed} |`,
  );
  return `${[
    '# Drills',
    '',
    'What an attacker who holds the credentials of the store does, done to real servers with the built daemon and command line. `npm run drills -- R1 R2 R5`',
    'plays some and tells each step; `npm run drills` plays all and writes this page. The ids are those of the [threat model](threat-model.md).',
    '',
    `Played ${now.toISOString().slice(0, 16)}Z on ${process.platform} ${process.arch}, SeaweedFS, moto, OpenBao and a fake of AWS KMS on loopback; R7 and the weeks of D1 and D2 on the bucket in memory, whose clock can be moved.`,
    '',
    '## Outcome',
    '',
    '"Looks" are statements that the drill checked; "cases" are tests under that id in the last run of each layer, which draw from the seed that is named.',
    '',
    '| id | looks of the drill that held | its seed | cases | seeds of their runs | outcome |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    ...(runs.length === 0
      ? ['No layer of tests has left a report here: cases were not counted.']
      : ['The cases were counted in these runs:', '', '| layer | ended | cases in all | seed |', '|---|---|---|---|', ...runs]),
    '',
    '## What each drill looked at',
    '',
    parts.join('\n\n'),
  ].join('\n')}\n`;
}
