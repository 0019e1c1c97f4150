import {
  type Policy,
  type PolicyEditParams,
  type PolicySource,
  policyCreate,
  policyDelete,
  policyEdit,
  policyList,
  policyPause,
  policyResume,
  policyShow,
  type SourceRules,
  sourceName,
  usualRunRules,
  usualSourceRules,
} from '../../protocol/methods/policies.ts';
import { policyRetention } from '../../protocol/methods/retention.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { Call } from '../call.ts';
import { newName, reference } from '../names.ts';
import { facts, table } from '../output/table.ts';
import { clipped, escaped, quoted, shellWord } from '../../client/shown/text.ts';
import { counted, duration, moment, size } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { bytes } from '../values.ts';
import { commandSourcesOf, hookFacts, hooksOf, namesHooks } from './policyCommands.ts';
import { limitsOf, limitTexts } from './limits.ts';
import { keepOf, keepOrUsual, keepText } from './retention.ts';

export async function create(call: Call, session: Session): Promise<Result> {
  const name = newName('policy', call.argument('NAME'));
  const sources = sourcesOf(call, session);
  if (sources === undefined) {
    throw call.problem('--source DIR is missing', 'Name the folders to protect with --source DIR, or commands with --command NAME=CMD.');
  }
  const location = reference('location', call.requiredText('--location'));
  const rules = await rulesOf(call, session);
  const { keep, isUsual } = keepOrUsual(call);
  const policy = await session.call(policyCreate, {
    ...usualSourceRules,
    ...usualRunRules,
    ...rules,
    ...hooksOf(call, usualRunRules),
    keep,
    schedule: scheduleOf(call) ?? null,
    name,
    sources,
    location,
  });
  return {
    document: policy,
    lines: [
      `Created the policy ${escaped(policy.name)}: ${counted(policy.sources.length, 'source')} to ${escaped(policy.location)}, ${policy.schedule === null ? 'by hand only' : runsText(policy, session)}.`,
      `It keeps ${keepText(policy.keep)}${isUsual ? ', as nothing else was said (--keep-latest and so on, or --keep-all)' : ''}.`,
      `Run it ${policy.schedule === null ? '' : 'now '}with holdfast backup ${shellWord(policy.name)}.`,
    ],
    isNotice: true,
  };
}

export async function list(_call: Call, session: Session): Promise<Result> {
  const policies = await session.list(policyList, {});
  const { style, host } = session;
  const now = host.now();
  const rows = policies.map((policy) => [
    style.bold(escaped(policy.name)),
    policy.problem === null ? clipped(escaped(policy.sources.map(sourceName).join(', ')), 60) : style.bad('can not be read'),
    escaped(policy.location),
    String(policy.restorePoints),
    runsText(policy, session),
    policy.lastRun === null ? 'never' : `${outcomeText(policy.lastRun.outcome, session)}, ${moment(policy.lastRun.finishedAt, now)}`,
  ]);
  const columns = [
    { title: 'NAME' },
    { title: 'SOURCES' },
    { title: 'LOCATION' },
    { title: 'POINTS', align: 'right' as const },
    { title: 'RUNS' },
    { title: 'LAST RUN' },
  ];
  const problems = policies.flatMap(({ problem }) => (problem === null ? [] : ['', style.bad(escaped(problem))]));
  const lines =
    policies.length === 0
      ? ['No policy yet. Create one with holdfast policy create NAME --source DIR --location L.']
      : [...table(columns, rows, (text) => style.dim(text)), ...problems];
  return { document: policies, lines };
}

export async function show(call: Call, session: Session): Promise<Result> {
  const policy = await session.call(policyShow, { policy: named(call) });
  return { document: policy, lines: policyLines(policy, session) };
}

export async function edit(call: Call, session: Session): Promise<Result> {
  const name = call.text('--rename');
  const location = call.text('--location');
  const sources = sourcesOf(call, session);
  const keep = keepOf(call);
  const schedule = scheduleOf(call);
  const change: Omit<PolicyEditParams, 'policy'> = {
    ...(await rulesOf(call, session)),
    ...(name === undefined ? {} : { name: newName('policy', name) }),
    ...(location === undefined ? {} : { location: reference('location', location) }),
    ...(sources === undefined ? {} : { sources }),
    ...(keep === undefined ? {} : { keep }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(namesHooks(call) ? hooksOf(call, await session.call(policyShow, { policy: named(call) })) : {}),
  };
  if (Object.keys(change).length === 0) throw call.problem('nothing to change was given');
  const policy = await session.ask(policyEdit, () => ({ ...change, policy: named(call) }));
  const lines = [`Changed the policy ${escaped(policy.name)}.`, ...(keep === undefined ? [] : await keepLines(policy, session))];
  return { document: policy, lines, isNotice: true };
}

export async function pause(call: Call, session: Session): Promise<Result> {
  const policy = await session.call(policyPause, { policy: named(call) });
  return { document: policy, lines: [`Paused the policy ${escaped(policy.name)}; it runs by hand only.`], isNotice: true };
}

export async function resume(call: Call, session: Session): Promise<Result> {
  const policy = await session.call(policyResume, { policy: named(call) });
  return { document: policy, lines: [`Resumed the policy ${escaped(policy.name)}; ${runsText(policy, session)}.`], isNotice: true };
}

export async function remove(call: Call, session: Session): Promise<Result> {
  const policy = await session.ask(policyDelete, (confirmed) => ({ policy: named(call), confirmed }));
  if (policy.imported !== null) {
    const line = `Took the imported policy ${escaped(policy.name)} off the list, with its ${counted(policy.restorePoints, 'restore point')} and its key; what is stored stays.`;
    return { document: policy, lines: [line], isNotice: true };
  }
  const kept =
    policy.restorePoints === 0
      ? 'it had no restore points'
      : `its ${counted(policy.restorePoints, 'restore point')} ${policy.restorePoints === 1 ? 'stays' : 'stay'} until retired`;
  return { document: policy, lines: [`Deleted the policy ${escaped(policy.name)}; ${kept}.`], isNotice: true };
}

/** What new rules of retention are going to do. */
async function keepLines(policy: Policy, session: Session): Promise<readonly string[]> {
  const keeps = `It keeps ${keepText(policy.keep)}`;
  let items: readonly { readonly keep: boolean }[];
  try {
    items = await session.list(policyRetention, { policy: policy.policyId });
  } catch (error) {
    if (!HoldfastError.is(error)) throw error;
    // The change is made; that what follows from it can not be told now makes it no failure.
    return [`${keeps}.`];
  }
  const going = items.filter((item) => !item.keep).length;
  const next =
    going === 0
      ? 'the next run retires nothing'
      : `the next run retires ${going} of ${counted(items.length, 'restore point')}: holdfast policy retention ${shellWord(policy.name)} --dry-run shows which`;
  return [`${keeps}; ${next}.`];
}

function named(call: Call): string {
  return reference('policy', call.argument('NAME'));
}

function sourcesOf(call: Call, session: Session): PolicyEditParams['sources'] {
  const folders = call.texts('--source')?.map((typed) => ({ kind: 'folder' as const, path: session.resolvePath(typed) }));
  const commands = commandSourcesOf(call);
  return folders === undefined && commands === undefined ? undefined : [...(folders ?? []), ...(commands ?? [])];
}

/** Only what was typed. */
async function rulesOf(call: Call, session: Session): Promise<Partial<SourceRules> & Partial<Pick<Policy, 'readLimit' | 'lowPriority'>>> {
  const exclude = await excludesOf(call, session);
  const gitignore = call.toggle('--gitignore');
  const oneFileSystem = call.toggle('--one-file-system');
  const includeCaches = call.toggle('--include-caches');
  const maxFileSize = call.text('--max-file-size');
  return {
    ...(exclude === undefined ? {} : { exclude }),
    ...(gitignore === undefined ? {} : { gitignore }),
    ...(oneFileSystem === undefined ? {} : { oneFileSystem }),
    ...(includeCaches === undefined ? {} : { includeCaches }),
    ...(maxFileSize === undefined ? {} : { maxFileSize: bytes('--max-file-size', maxFileSize) }),
    ...limitsOf(call),
  };
}

const excludeFileLimit = 1024 * 1024;

async function excludesOf(call: Call, session: Session): Promise<readonly string[] | undefined> {
  const file = call.text('--exclude-file');
  const typed = call.texts('--exclude');
  if (file === undefined && typed === undefined) return undefined;
  const fromFile = file === undefined ? [] : await excludeLines(file, session);
  const all = [...(typed ?? []), ...fromFile];
  const tooLong = all.find((pattern) => pattern.length > 4096 || pattern.length === 0);
  if (tooLong !== undefined)
    throw new HoldfastError('badValue', `Failed to read the pattern ${quoted(tooLong)}: it has 1 to 4,096 characters.`, {
      fix: 'Give another pattern.',
    });
  return all;
}

async function excludeLines(file: string, session: Session): Promise<readonly string[]> {
  let content: Buffer;
  try {
    content = await session.host.readFile(session.resolvePath(file), excludeFileLimit);
  } catch (cause) {
    throw new HoldfastError('badValue', `Failed to read the patterns: ${quoted(file)} can not be read.`, {
      fix: 'Name another file by --exclude-file.',
      cause,
    });
  }
  if (content.length === excludeFileLimit) {
    throw new HoldfastError('badValue', `Failed to read the patterns: ${quoted(file)} is too large.`, {
      fix: 'Name a file of less than 1 MiB by --exclude-file.',
    });
  }
  // Comments and empty lines, as in a .gitignore.
  return content
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

function policyLines(policy: Policy, session: Session): readonly string[] {
  const { style, host } = session;
  const now = host.now();
  const rules = [
    policy.gitignore ? '.gitignore files are honoured' : undefined,
    policy.oneFileSystem ? 'one file system' : undefined,
    policy.includeCaches ? 'caches too' : undefined,
    policy.maxFileSize === null ? undefined : `files up to ${size(policy.maxFileSize)}`,
    ...limitTexts(policy),
  ].filter((rule) => rule !== undefined);
  const pairs: (readonly [string, string])[] = [
    ['Policy', style.bold(escaped(policy.name))],
    ['Id', policy.policyId],
    ...policy.sources.map((source, index): readonly [string, string] => [index === 0 ? 'Sources' : '', escaped(sourceText(source))]),
    ['Location', escaped(policy.location)],
    ...policy.exclude.map((pattern, index): readonly [string, string] => [index === 0 ? 'Left out' : '', escaped(pattern)]),
    ['Rules', rules.length === 0 ? 'none' : rules.join(', ')],
    ['Runs', runsText(policy, session)],
    ...hookFacts(policy).map(([label, text]): readonly [string, string] => [label, escaped(text)]),
    ['Keeps', keepText(policy.keep)],
    [
      'Last run',
      policy.lastRun === null ? 'never' : `${outcomeText(policy.lastRun.outcome, session)}, ${moment(policy.lastRun.finishedAt, now)}`,
    ],
    ['Restore points', String(policy.restorePoints)],
    [policy.imported === null ? 'Created' : 'Imported', moment(policy.createdAt, now)],
    ...importedFacts(policy, session),
  ];
  return facts(pairs, (text) => style.dim(text));
}

function importedFacts({ imported }: Policy, { host, style }: Session): readonly (readonly [string, string])[] {
  if (imported === null) return [];
  const looked = `${imported.pollSeconds === null ? 'not by itself' : `every ${duration(imported.pollSeconds)}`}, last ${moment(imported.refreshedAt, host.now())}`;
  return [
    ['From', `installation ${imported.installationId}`],
    ['Fingerprint', imported.fingerprint],
    ['Looked at', looked],
    ...(imported.problem === null ? [] : [['Problem', style.bad(escaped(imported.problem))] as const]),
  ];
}

function sourceText(source: PolicySource): string {
  return source.kind === 'folder' ? source.path : `${source.name} = ${source.command}`;
}

/** `never` is by hand only; whether anything else is a schedule is the daemon's to say, which knows the time zone. `undefined` where nothing was said. */
function scheduleOf(call: Call): string | null | undefined {
  const typed = call.text('--schedule');
  if (typed === undefined || typed.trim().toLowerCase() === 'never') return typed === undefined ? undefined : null;
  if (typed.length > 0 && typed.length <= 256) return typed;
  throw call.problem('--schedule is empty or too long', 'Say @hourly, @daily, @weekly, @monthly, five fields of cron, or never.');
}

function runsText(policy: Policy, { style, host }: Session): string {
  if (policy.imported !== null) return 'imported';
  if (policy.paused) return style.warning('paused');
  if (policy.problem !== null) return policy.nextRunAt === null ? 'unknown' : `next ${moment(policy.nextRunAt, host.now())}`;
  if (policy.schedule === null) return 'by hand';
  return policy.nextRunAt === null ? policy.schedule : `${policy.schedule}, next ${moment(policy.nextRunAt, host.now())}`;
}

function outcomeText(outcome: string, { style }: Session): string {
  if (outcome === 'complete') return style.good('complete');
  if (outcome === 'completeWithWarnings') return style.warning('with warnings');
  return style.bad(escaped(outcome));
}
