import { exitStatusOf, HoldfastError } from '../../protocol/errors.ts';
import { migrationTimes, policyExport, policyImport } from '../../protocol/methods/migration.ts';
import { secretBytesLimit } from '../../protocol/secretFrames.ts';
import { secondsOf } from '../../client/typedUnits.ts';
import { escaped, quoted, shellWord } from '../../client/shown/text.ts';
import { counted, duration, moment } from '../../client/shown/units.ts';
import type { Call } from '../call.ts';
import { findingLines } from '../findingLines.ts';
import { newName, reference } from '../names.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

/** The import data of a policy goes into a new file of the user's own (0600), to the terminal, or into a pipe: never into a file that others may read. */
export async function exportPolicy(call: Call, session: Session): Promise<Result> {
  const typed = call.text('--output');
  const output = typed === undefined ? undefined : session.resolvePath(typed);
  const { host, globals } = session;
  if (output === undefined && host.out.isFile === true) {
    throw call.problem(
      'the output is a file, which others may be allowed to read',
      'Name the file with --output F: it is made for you alone.',
    );
  }
  if (output !== undefined && host.exists(output)) {
    throw HoldfastError.failedTo('badValue', `write ${quoted(output)}`, 'it is there already', { fix: 'Name another file.' });
  }
  const expiresIn = secondsIn('--expires-in', call.text('--expires-in'), migrationTimes.expiry);
  const policy = reference('policy', call.argument('NAME'));
  const { data, ...facts } = await session.ask(policyExport, () => ({ policy, expiresIn }));
  const secret = session.secrets.keep(await (await session.daemon()).readSecret(data));
  if (output !== undefined) await host.writeNewFile(output, secret);
  const now = host.now();
  const until = facts.expiresAt === null ? 'It does not expire' : `It is taken until ${moment(facts.expiresAt, now)}`;
  const lines = [
    `Import data of the policy ${escaped(facts.policy)}${output === undefined ? '' : `, in ${quoted(output)}`}. Fingerprint: ${facts.fingerprint}.`,
    `It is a secret: whoever has it reads all restore points of this policy, and nothing else. ${until}.`,
    'At the other installation: holdfast policy import --import-data-file F --location L.',
  ];
  if (output !== undefined) return { document: { ...facts, output, importData: null }, lines, isNotice: true };
  // One document, with the secret in it, is what was asked for.
  if (globals.json) return { document: { ...facts, output: null, importData: secret.toString('ascii') } };
  await host.out.write(secret);
  for (const line of lines) await session.note(line);
  return { document: null, isPrinted: true };
}

export async function importPolicy(call: Call, session: Session): Promise<Result> {
  const file = call.requiredText('--import-data-file');
  const location = reference('location', call.requiredText('--location'));
  const name = call.text('--name');
  const pollSeconds = secondsIn('--poll', call.text('--poll'), migrationTimes.poll);
  const text = await session.secrets.readAll({ what: 'the import data', flag: '--import-data-file', file }, secretBytesLimit);
  const choices = { location, pollSeconds, ...(name === undefined ? {} : { name: newName('policy', name) }) };
  const document = await session.call(policyImport, { ...choices, data: await session.sendSecret(text) });
  const { policy, fingerprint, added, gone, damaged, damagedCount } = document;
  const shown = escaped(policy.name);
  return {
    document,
    lines: [
      `Imported the policy ${shown}: ${counted(policy.restorePoints, 'restore point')} on the list (${added} new, ${gone} gone). Fingerprint: ${fingerprint}.`,
      'They are only read here: no backup, no retention and no lock of theirs is extended. The tag of their owner can not be checked.',
      pollSeconds === null
        ? 'New ones come onto the list when it is imported once more; --poll DURATION has them looked for.'
        : `New ones are looked for every ${duration(pollSeconds)}.`,
      `Restore with holdfast restore ${shellWord(policy.name)} --target DIR.`,
      ...findingLines(damaged, damagedCount, 'damaged', session.style),
    ],
    exitStatus: damagedCount > 0 ? exitStatusOf.damaged : 0,
  };
}

function secondsIn(
  flag: string,
  typed: string | undefined,
  { least, most }: { readonly least: number; readonly most: number },
): number | null {
  if (typed === undefined) return null;
  const seconds = secondsOf(typed);
  if (seconds !== undefined && Number.isInteger(seconds) && seconds >= least && seconds <= most) return seconds;
  throw HoldfastError.failedTo(
    'badValue',
    `read ${flag}`,
    `${quoted(typed)} is not a duration of at least ${duration(least)} and at most ${duration(most)}`,
    {
      fix: `Give ${flag} another value, such as 12h or 30d.`,
    },
  );
}
