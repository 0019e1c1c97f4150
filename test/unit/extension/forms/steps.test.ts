import assert from 'node:assert/strict';
import { runSteps, type Step, type StepOutcome, type StepPlace, walkSteps } from '../../../../extension/forms/steps.ts';

interface Answers {
  readonly colour: string;
  readonly shade: string;
  readonly size: string;
}

const none: Answers = { colour: '', shade: '', size: '' };

type Answer = (values: Answers) => StepOutcome<Answers>;

/** Steps that answer from a script, and what each was shown. */
function scripted(answers: Readonly<Record<keyof Answers, readonly Answer[]>>): {
  readonly steps: readonly Step<Answers>[];
  readonly shown: (readonly [string, Answers, StepPlace])[];
} {
  const shown: (readonly [string, Answers, StepPlace])[] = [];
  const left = { colour: [...answers.colour], shade: [...answers.shade], size: [...answers.size] };
  const step = (name: keyof Answers, isNeeded?: (values: Answers) => boolean): Step<Answers> => ({
    ...(isNeeded === undefined ? {} : { isNeeded }),
    ask: async (values, place) => {
      shown.push([name, values, place]);
      const answer = left[name].shift();
      assert.ok(answer, `${name} was asked too often`);
      return answer(values);
    },
  });
  return { steps: [step('colour'), step('shade', ({ colour }) => colour === 'green'), step('size')], shown };
}

function next(part: Partial<Answers>): Answer {
  return (values) => ({ kind: 'next', values: { ...values, ...part } });
}

const back: Answer = () => ({ kind: 'back' });
const typedAndBack: Answer = (values) => ({ kind: 'back', values: { ...values, size: 'lar' } });
const cancelled: Answer = () => ({ kind: 'cancelled' });

describe('steps of a form', () => {
  it('asks only what the answers so far call for, and counts those', async () => {
    const { steps, shown } = scripted({ colour: [next({ colour: 'red' })], shade: [], size: [next({ size: 'large' })] });
    assert.deepEqual(await runSteps('Paint', steps, none), { colour: 'red', shade: '', size: 'large' });
    assert.deepEqual(
      shown.map(([name, , { step, of, canGoBack }]) => [name, step, of, canGoBack]),
      [
        ['colour', 1, 2, false],
        ['size', 2, 2, true],
      ],
    );
  });

  it('goes back to the step that was asked before with its answer still there, also where another step is needed by then', async () => {
    const { steps, shown } = scripted({
      colour: [next({ colour: 'red' }), next({ colour: 'green' })],
      shade: [back, next({ shade: 'dark' })],
      size: [back, next({ size: 'small' })],
    });
    // red → size, back → colour, green → shade, back → colour once more.
    const again = [...steps];
    const colour = steps[0];
    assert.ok(colour);
    let asked = 0;
    again[0] = {
      ask: async (values, place) => {
        asked += 1;
        return asked < 3 ? await colour.ask(values, place) : { kind: 'next', values };
      },
    };
    assert.deepEqual(await runSteps('Paint', again, none), { colour: 'green', shade: 'dark', size: 'small' });
    assert.deepEqual(
      shown.map(([name, values]) => [name, values.colour]),
      [
        ['colour', ''],
        ['size', 'red'],
        ['colour', 'red'],
        ['shade', 'green'],
        ['shade', 'green'],
        ['size', 'green'],
      ],
    );
  });

  it('keeps what was typed before Back', async () => {
    const { steps, shown } = scripted({
      colour: [next({ colour: 'red' }), next({})],
      shade: [],
      size: [typedAndBack, next({})],
    });
    assert.deepEqual(await runSteps('Paint', steps, none), { colour: 'red', shade: '', size: 'lar' });
    assert.equal(shown.at(-1)?.[1].size, 'lar');
  });

  it('answers nothing where the user leaves, at whatever step', async () => {
    for (const script of [
      { colour: [cancelled], shade: [], size: [] },
      { colour: [next({ colour: 'red' })], shade: [], size: [cancelled] },
    ]) {
      assert.equal(await runSteps('Paint', scripted(script).steps, none), undefined);
    }
  });

  it('leads out of a form inside another by Back at its first step, and shows Back there', async () => {
    const { steps, shown } = scripted({ colour: [next({ colour: 'red' }), back], shade: [], size: [back] });
    const outcome = await walkSteps({ title: 'Paint', canLeave: true }, steps, none);
    assert.equal(outcome.kind, 'back');
    assert.deepEqual(
      shown.map(([, , place]) => place.canGoBack),
      [true, true, true],
    );
  });
});
