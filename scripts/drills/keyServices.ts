import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { type StatusDocument, statusDocument } from '../../test/support/cliShapes.ts';
import type { ImmutableScratch } from '../../test/support/immutableScratch.ts';
import type { Lie } from '../../test/support/servers/kmsWire.ts';
import { newKms, onKms, onVault, userOn } from './passkeyUser.ts';
import type { Drill, Stage } from './stage.ts';

const patienceMs = 60_000;
const pollMs = 250;

/** The daemon's status once it is so, or as it is when the patience is at its end. */
async function statusWhen(user: ImmutableScratch, isSo: (status: StatusDocument) => boolean): Promise<StatusDocument> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const status = await user.scratch.json(statusDocument, ['status']);
    if (isSo(status) || performance.now() > end) return status;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Ends the daemon and starts another one, which finds its key service as it is now. */
async function startAnew(user: ImmutableScratch): Promise<void> {
  await user.scratch.cli(['stop']);
  await statusWhen(user, ({ state }) => state === 'notRunning');
  // The first verb that needs a daemon starts one.
  await user.scratch.cli(['passkey', 'list']);
}

interface Trouble {
  /** As a sentence goes on after "The service". */
  readonly what: string;
  readonly reason: RegExp;
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
}

/** Started while the service is so: locked with the reason; the passphrase opens it; started once more, it opens by itself when that is over. */
async function startsInto(stage: Stage, user: ImmutableScratch, point: string, { what, reason, begin, end }: Trouble): Promise<void> {
  stage.tell(`The daemon is ended, and started while the service ${what}.`);
  await begin();
  await startAnew(user);
  const locked = await statusWhen(user, ({ unattended }) => (unattended?.problem ?? null) !== null);
  const problem = locked.unattended?.problem ?? '';
  stage.tell(`status: ${locked.state}; ${problem} Tried again at ${locked.unattended?.nextTryAt ?? 'no time'}.`);
  stage.look(
    `It ${what}: the daemon is there, locked, says why, and when it tries again.`,
    locked.state === 'locked' && reason.test(problem) && locked.unattended?.nextTryAt !== null,
  );
  const opened = await stage.holdfast(user, ['unlock', '--passphrase-file', user.scratch.passphraseFile]);
  stage.look('The second passkey, a passphrase, opens it meanwhile.', opened.status === 0);
  await stage.restores(user, point);

  await startAnew(user);
  const again = await statusWhen(user, ({ unattended }) => (unattended?.problem ?? null) !== null);
  await end();
  stage.tell('Started once more while it is so; then the service is back, and nobody does anything.');
  const back = await statusWhen(user, ({ state }) => state === 'unlocked');
  stage.look(
    'The daemon unlocks itself, and is the same process all the time.',
    again.state === 'locked' && back.state === 'unlocked' && back.pid === again.pid && back.startedAt === again.startedAt,
  );
}

const serviceAway: Drill = {
  id: 'D6',
  title: 'At the start the key service denies, throttles, is sealed, or is down',
  play: async (stage) => {
    const kms = await newKms(stage);
    const { wire } = kms;
    stage.tell('AWS KMS, a server of its wire in this process.');
    const first = await userOn(stage, () => onKms(kms), { withSafe: true });
    await startsInto(stage, first.user, first.point, {
      what: 'denies Decrypt',
      reason: /kms:Decrypt .* is not allowed/,
      begin: () => void wire.denied.add('Decrypt'),
      end: () => void wire.denied.delete('Decrypt'),
    });
    await startsInto(stage, first.user, first.point, {
      what: 'throttles each request',
      reason: /asks for fewer requests/,
      begin: () => {
        wire.throttledTimes = Number.POSITIVE_INFINITY;
      },
      end: () => {
        wire.throttledTimes = 0;
      },
    });
    const server = await stage.newOpenBao();
    stage.tell('OpenBao, a real one.');
    const second = await userOn(stage, async (user) => await onVault(server, user), { withSafe: true });
    await startsInto(stage, second.user, second.point, {
      what: 'is sealed',
      reason: /is sealed/,
      begin: async () => await server.seal(),
      end: async () => await server.unseal(),
    });
    await startsInto(stage, second.user, second.point, {
      what: 'is down',
      reason: /nothing listens|not reach|no connection|refused/i,
      begin: async () => await server.stop(),
      end: async () => {
        await server.startAgain();
        await server.unseal();
      },
    });
  },
};

const decrypted = z.looseObject({ Plaintext: z.base64() });

/** Decrypt answers with what this makes of the plaintext; with none where that is nothing. */
const givesInstead =
  (make: (plaintext: Buffer) => Buffer | undefined): Lie =>
  ({ action }, truth) => {
    if (action !== 'Decrypt') return undefined;
    const { Plaintext, ...answer } = decrypted.parse(JSON.parse(truth.body));
    const lie = make(Buffer.from(Plaintext, 'base64'));
    return { ...truth, body: JSON.stringify(lie === undefined ? answer : { ...answer, Plaintext: lie.toString('base64') }) };
  };

const lyingService: Drill = {
  id: 'D7',
  title: 'The key service answers with another plaintext, 33 bytes, nothing, or too late',
  play: async (stage) => {
    const kms = await newKms(stage);
    const { wire } = kms;
    stage.tell('AWS KMS, a server of its wire in this process, which lies.');
    const { user, point } = await userOn(stage, () => onKms(kms), { withSafe: true });
    const lies: readonly (readonly [string, Lie])[] = [
      ['another plaintext of the same length', givesInstead((plaintext) => randomBytes(plaintext.length))],
      ['another master key in the right form', givesInstead((plaintext) => Buffer.concat([plaintext.subarray(0, -32), randomBytes(32)]))],
      ['33 bytes', givesInstead(() => randomBytes(33))],
      ['no plaintext', givesInstead(() => undefined)],
      ['not at all', ({ action }) => (action === 'Decrypt' ? 'silence' : undefined)],
    ];
    for (const [what, lie] of lies) {
      wire.lie = lie;
      stage.tell(`KMS answers ${what}.`);
      await user.scratch.cli(['lock']);
      const { status, text } = await stage.holdfast(user, ['unlock']);
      const { state } = await user.scratch.json(statusDocument, ['status']);
      const [reason = ''] = text.split('\n');
      stage.look(
        `Answered ${what}: refused with a reason and a way out, and the daemon stays locked.`,
        status === 1 && state === 'locked' && /^Failed to open the passkey: .+\.$/.test(reason),
      );
      const opened = await user.scratch.cli(['unlock', '--passphrase-file', user.scratch.passphraseFile]);
      stage.look('The second passkey opens it.', opened.status === 0);
    }
    const { status, text } = await stage.holdfast(user, ['passkey', 'list']);
    stage.look('The passkey that failed is still there: nothing is taken away.', status === 0 && /^office /m.test(text));
    stage.look(
      'The alert passkeyFailing is open.',
      (await user.alerts()).some(({ kind }) => kind === 'passkeyFailing'),
    );
    wire.lie = () => undefined;
    stage.tell('KMS tells the truth again.');
    await user.scratch.cli(['lock']);
    const unlocked = await stage.holdfast(user, ['unlock']);
    stage.look('The same passkey opens again, as it was.', unlocked.status === 0);
    await stage.noAlert(user, 'passkeyFailing');
    await stage.restores(user, point);
  },
};

/** Key services that fail and lie. */
export const keyServices: readonly Drill[] = [serviceAway, lyingService];
