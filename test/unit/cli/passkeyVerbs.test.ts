import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type Answer, FakeDaemon } from './fakeDaemon.ts';
import { memberOf, runWith } from './fakeHost.ts';
import { at, passkey } from './samples.ts';

const listed: Record<string, Answer> = { 'passkey.list': () => ({ items: [passkey], next: null }) };

/** Asks for the user's word, then for a step-up, then does it. */
function careful(result: unknown, question = 'Retire the passkey laptop? Nothing else opens the backups.'): Record<string, Answer> {
  let isSteppedUp = false;
  const act: Answer = (params) => {
    if (params['confirmed'] === false) throw new HoldfastError('confirmationNeeded', question, { fix: 'Say --yes.' });
    if (!isSteppedUp) throw new HoldfastError('stepUpNeeded', 'Failed to go on: a passphrase is asked for once more.');
    return result;
  };
  return {
    'passkey.list': () => ({ items: [passkey], next: null }),
    'passkey.retire': (...asked) => ({ ...Object(act(...asked)), outside: null, reasons: [] }),
    'passkey.use': act,
    'passkey.addPassphrase': act,
    'passkey.rotate': act,
    'session.stepUp': (_, { secrets }) => {
      if (secrets[0] !== 'right') throw new HoldfastError('wrongSecret', 'Failed to step up: the secret is wrong.');
      isSteppedUp = true;
      return { until: '2026-03-01T12:05:00.000Z' };
    },
  };
}

describe('cli passkey', () => {
  it('lists them as an array, page by page', async () => {
    const pages = new Map<unknown, unknown>([
      [undefined, { items: [passkey], next: 'two' }],
      ['two', { items: [{ ...passkey, name: 'old', state: 'failing', inUse: false, warnings: ['old\u001b'] }], next: null }],
    ]);
    const daemon = (): FakeDaemon => new FakeDaemon({ 'passkey.list': ({ after }) => pages.get(after) });
    const { json } = await runWith(['passkey', 'list', '--json'], { daemon: daemon() });
    assert.deepEqual(
      Object.values(Object(json())).map((each) => memberOf(each, 'name')),
      ['laptop', 'old'],
    );
    const { out } = await runWith(['passkey', 'list'], { daemon: daemon() });
    assert.match(out, /^NAME +ID +KIND +STATE +VERIFIED +CREATED +CAN GO FROM +KEY\nlaptop +4f1c2a00 +passphrase +in use +ready/);
    assert.match(out, /\nold +4f1c2a00 +passphrase +failing/);
    assert.match(out, /old\\x1b/);
  });

  it('adds a passphrase after a step-up, and sends every secret for each try', async () => {
    const daemon = new FakeDaemon(careful({ ...passkey, name: 'safe' }));
    const { status, json } = await runWith(
      ['passkey', 'add', 'passphrase', 'safe', '--passphrase-file', '-', '--step-up-file', '-', '--use-now', '--json'],
      { daemon, input: ['another passphrase', 'right'] },
    );
    assert.equal(status, 0);
    assert.deepEqual(json(), { ...passkey, name: 'safe' });
    const adds = daemon.of('passkey.addPassphrase');
    assert.deepEqual(
      adds.map(({ secrets }) => secrets),
      [['another passphrase'], ['another passphrase']],
    );
    assert.equal(new Set(adds.map(({ params }) => params['requestId'])).size, 2);
    assert.equal(adds[0]?.params['useNow'], true);
  });

  it('asks for a new passphrase twice on a terminal', async () => {
    const daemon = new FakeDaemon(careful(passkey));
    const { questions } = await runWith(['passkey', 'add', 'passphrase', 'safe'], {
      daemon,
      answers: ['another passphrase', 'another passphrase', 'right'],
    });
    assert.equal(questions.length, 3);
    assert.match(questions[2] ?? '', /any passkey/);
  });

  it('says of a weak passphrase for a new passkey that it is weak, and takes it; one that only opens is nobody’s business', async () => {
    const rotated = {
      passkey,
      previous: { ...passkey, name: 'laptop@2026-03-01', inUse: false },
      gate: {
        allowed: true,
        from: at,
        reasons: [],
        begins: false,
        isBegun: false,
        others: ['paper'],
        waysIn: 1,
        commands: [],
        opensKeyringsUntil: null,
        notes: [],
      },
      steps: [],
    };
    for (const [args, answer] of [
      [['passkey', 'add', 'passphrase', 'x'], passkey],
      [['passkey', 'rotate', 'laptop'], rotated],
    ] as const) {
      const line = [...args, '--passphrase-file', '-', '--step-up-file', '-'];
      const { status, err } = await runWith(line, { daemon: new FakeDaemon(careful(answer)), input: ['short', 'right'] });
      assert.equal(status, 0, args.join(' '));
      assert.match(err, /This passphrase is weak: it has fewer than 12 characters/);
    }
    const daemon = new FakeDaemon({ ...listed, 'passkey.verify': () => passkey });
    const verified = await runWith(['passkey', 'verify', 'laptop', '--passphrase-file', '-'], { daemon, input: ['short'] });
    assert.deepEqual([verified.status, verified.err], [0, '']);
  });

  it('takes the step-up from a variable that names a file, else from the terminal, else refuses with 3', async () => {
    const files = { '/secret': 'right\n' };
    const environment = { HOLDFAST_STEP_UP_FILE: '/secret' };
    assert.equal((await runWith(['passkey', 'use', 'laptop'], { daemon: new FakeDaemon(careful(passkey)), files, environment })).status, 0);
    const typed = await runWith(['passkey', 'use', 'laptop'], { daemon: new FakeDaemon(careful(passkey)), answers: ['wrong', 'right'] });
    assert.equal(typed.status, 0);
    const thrice = await runWith(['passkey', 'use', 'laptop'], {
      daemon: new FakeDaemon(careful(passkey)),
      answers: ['a', 'b', 'c', 'right'],
    });
    assert.deepEqual([thrice.status, thrice.questions.length], [3, 3]);
    const daemon = new FakeDaemon(careful(passkey));
    const refused = await runWith(['passkey', 'use', 'laptop', '--json'], { daemon });
    assert.equal(refused.status, 3);
    assert.equal(memberOf(refused.json(), 'error', 'code'), 'stepUpNeeded');
    assert.equal(daemon.of('session.stepUp').length, 0);
    const wrong = await runWith(['passkey', 'use', 'laptop', '--step-up-file', '/secret'], {
      daemon: new FakeDaemon(careful(passkey)),
      files: { '/secret': 'wrong' },
    });
    assert.equal(wrong.status, 3);
  });

  it('verifies with the passphrase of the passkey', async () => {
    const daemon = new FakeDaemon({ ...listed, 'passkey.verify': () => passkey });
    assert.equal((await runWith(['passkey', 'verify', 'laptop', '--passphrase-file', '-'], { daemon, input: ['p'] })).status, 0);
    assert.deepEqual(daemon.of('passkey.verify')[0]?.secrets, ['p']);
    assert.equal((await runWith(['passkey', 'verify', 'laptop'], { daemon })).status, 2);
  });

  it('rotates, and says what became of the old one', async () => {
    const gate = {
      allowed: true,
      from: at,
      reasons: [],
      begins: false,
      isBegun: false,
      others: ['paper'],
      waysIn: 1,
      commands: [],
      opensKeyringsUntil: null,
      notes: [],
    };
    const rotated = { passkey, previous: { ...passkey, name: 'laptop@2026-03-01', inUse: false }, gate, steps: [] };
    const options = { input: ['another passphrase', 'right'] };
    const args = ['passkey', 'rotate', 'laptop', '--passphrase-file', '-', '--step-up-file', '-'];
    assert.deepEqual((await runWith([...args, '--json'], { ...options, daemon: new FakeDaemon(careful(rotated)) })).json(), rotated);
    assert.match((await runWith(args, { ...options, daemon: new FakeDaemon(careful(rotated)) })).out, /retire laptop@2026-03-01\.$/m);
  });

  it('asks before it retires; without a terminal and --yes it is refused with 2', async () => {
    const refused = await runWith(['passkey', 'retire', 'old', '--json'], { daemon: new FakeDaemon(careful(passkey)) });
    assert.equal(refused.status, 2);
    assert.equal(memberOf(refused.json(), 'error', 'code'), 'confirmationNeeded');
    const no = await runWith(['passkey', 'retire', 'old'], { daemon: new FakeDaemon(careful(passkey)), answers: ['n'] });
    assert.equal(no.status, 130);
    assert.match(no.err, /Retire the passkey laptop\?/);
    const yes = await runWith(['passkey', 'retire', 'old'], { daemon: new FakeDaemon(careful(passkey)), answers: ['y', 'right'] });
    assert.equal(yes.status, 0);
    const daemon = new FakeDaemon(careful(passkey));
    const said = await runWith(['passkey', 'retire', 'old', '--yes', '--step-up-file', '-'], { daemon, input: ['right'] });
    assert.equal(said.status, 0);
    assert.deepEqual(
      daemon.of('passkey.retire').map(({ params }) => params['confirmed']),
      [true, true],
    );
  });

  it('puts a refusal by rule before every question', async () => {
    const daemon = new FakeDaemon({
      'passkey.retire': () => {
        throw new HoldfastError('refusedByRule', 'Failed to retire the passkey: it is in use.', { fix: 'Use another first.' });
      },
    });
    const { status, questions } = await runWith(['passkey', 'retire', 'laptop'], { daemon, answers: [] });
    assert.deepEqual([status, questions], [4, []]);
  });

  it('K6: repeats no passphrase in any output, whatever goes wrong', async () => {
    const secret = 'canary-7f3a9c';
    for (const code of ['wrongSecret', 'failed', 'storeFull', 'badValue'] as const) {
      const failing: Answer = () => {
        throw new HoldfastError(code, 'Failed to do it: no.');
      };
      for (const [method, args] of [
        ['passkey.verify', ['passkey', 'verify', 'laptop']],
        ['passkey.rotate', ['passkey', 'rotate', 'laptop']],
        ['passkey.addPassphrase', ['passkey', 'add', 'passphrase', 'x']],
        ['session.unlock', ['unlock']],
        ['session.init', ['init']],
      ] as const) {
        for (const json of [['--json'], []]) {
          const ran = await runWith([...args, '--passphrase-file', '-', ...json], {
            daemon: new FakeDaemon({ ...listed, [method]: failing }),
            input: [secret],
          });
          assert.notEqual(ran.status, 0);
          assert.ok(!(ran.out + ran.err).includes('canary'), ran.out + ran.err);
        }
      }
    }
  });
});
