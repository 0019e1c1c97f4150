import * as z from 'zod';

/** One test as it ran. */
export interface CaseResult {
  readonly title: string;
  /** Ids of docs/threat-model.md at the front of its title or of the titles around it. */
  readonly ids: readonly string[];
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
}

/** What one layer leaves behind, written by scripts/mochaLayer.ts. */
export interface LayerReport {
  readonly seed: number;
  readonly cases: readonly CaseResult[];
}

export const layerReport: z.ZodType<LayerReport> = z.strictObject({
  seed: z.int(),
  cases: z.array(
    z.strictObject({ title: z.string(), ids: z.array(z.string()), state: z.enum(['passed', 'failed', 'skipped']), seconds: z.number() }),
  ),
});

/** One call of the real command line by a test, as test/support/cli.ts logs it. */
export interface VerbCall {
  readonly verb: string;
  readonly status: number | null;
  readonly test: string;
}

export const verbCall: z.ZodType<VerbCall> = z.strictObject({ verb: z.string(), status: z.int().nullable(), test: z.string() });

/** One command of the extension that a host test ran, as test/host/hostEnvironment.ts notes it. */
export interface CommandRun {
  readonly command: string;
  /** Title of the test, as reports have it. */
  readonly test: string;
}

export const commandRun: z.ZodType<CommandRun> = z.strictObject({ command: z.string(), test: z.string() });

/** The ids of the threats that this version answers. Each needs a test under its name, or the run fails. */
export const threatIds: readonly string[] = [
  'X1 X2 X3 X4 X5 X6 X7 X8 X9 X10',
  'W1 W2 W3 W4 W5 W6 W7 W8 W9 W10',
  'K1 K2 K3 K5 K6',
  'C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11',
  'M1 M2 M3 M4 M5 M6 M7 M8',
  'F1 F2 F3 D8',
  'S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 S11',
  'R1 R2 R3 R4 R5 R7 R8',
  'V1 V3 V4 V5',
].flatMap((ids) => ids.split(' '));

const idsAtFront = /^([A-Z]\d{1,2}(?:[ ,]+[A-Z]\d{1,2})*):/;

/** Ids at the front of any of the titles, as in `M3 M5: …`. */
export function idsOf(titles: readonly string[]): readonly string[] {
  return [...new Set(titles.flatMap((title) => idsAtFront.exec(title)?.[1]?.split(/[ ,]+/) ?? []))];
}

export interface ThreatRow {
  readonly id: string;
  readonly cases: number;
  readonly seeds: readonly number[];
}

/** How many cases really ran for each id, in which runs' seeds. A skipped case shows nothing. */
export function threatRows(reports: readonly LayerReport[]): readonly ThreatRow[] {
  return threatIds.map((id) => {
    const ran = (report: LayerReport): number => report.cases.filter((one) => one.state !== 'skipped' && one.ids.includes(id)).length;
    return {
      id,
      cases: reports.reduce((sum, report) => sum + ran(report), 0),
      seeds: [...new Set(reports.filter((report) => ran(report) > 0).map((report) => report.seed))],
    };
  });
}

export interface VerbRow {
  readonly verb: string;
  /** Tests that called it and were not told that the call is wrong. */
  readonly tests: number;
}

const usageStatus = 2;

export function verbRows(verbs: readonly string[], calls: readonly VerbCall[]): readonly VerbRow[] {
  return verbs.map((verb) => ({
    verb,
    tests: new Set(calls.filter((call) => call.verb === verb && call.status !== usageStatus).map((call) => call.test)).size,
  }));
}

export interface CommandRow {
  readonly command: string;
  /** Tests that ran it in a real workbench and passed. */
  readonly tests: number;
}

/** Tests of this threat show what a command refuses, and not that it works. */
const hostileArguments = 'V4';

/** For each declared command: how many tests really ran it and passed. */
export function commandRows(
  commands: readonly string[],
  runs: readonly CommandRun[],
  reports: readonly LayerReport[],
): readonly CommandRow[] {
  const passed = new Set(
    reports
      .flatMap(({ cases }) => cases)
      .filter(({ state, ids }) => state === 'passed' && !ids.includes(hostileArguments))
      .map(({ title }) => title),
  );
  return commands.map((command) => ({
    command,
    tests: new Set(runs.filter((one) => one.command === command && passed.has(one.test)).map(({ test }) => test)).size,
  }));
}
