import assert from 'node:assert/strict';
import { baseDirectory, type StateDirectoryInputs, stateDirectory } from '../../../cli/stateDirectory.ts';
import { defaultStateDirectory } from '../../../client/defaultStateDirectory.ts';
import { FakeDaemon } from './fakeDaemon.ts';
import { runWith } from './fakeHost.ts';
import { unlockedStatus } from './samples.ts';

function resolved(inputs: Partial<StateDirectoryInputs>): string {
  return stateDirectory({
    flag: undefined,
    environment: {},
    currentDirectory: '/cwd',
    exists: () => false,
    defaultDirectory: () => '/default',
    ...inputs,
  });
}

const inCheckout = { HOLDFAST_CHECKOUT: '/checkout', INIT_CWD: '/typed/here' };

describe('cli state directory', () => {
  const table: readonly (readonly [title: string, inputs: Partial<StateDirectoryInputs>, expected: string])[] = [
    ['is the default where nothing is said', {}, '/default'],
    ['is what --state says', { flag: '/a', environment: { HOLDFAST_STATE: '/b' } }, '/a'],
    ['takes a relative --state from where the user is', { flag: 'a' }, '/cwd/a'],
    ['takes a relative --state from where the user typed npm', { flag: '../a', environment: inCheckout }, '/typed/a'],
    ['is what HOLDFAST_STATE says', { environment: { HOLDFAST_STATE: 'b' } }, '/cwd/b'],
    ['passes over an empty HOLDFAST_STATE', { environment: { HOLDFAST_STATE: '' } }, '/default'],
    [
      "is the checkout's own where it is there",
      { environment: inCheckout, exists: (name) => name === '/checkout/.holdfast' },
      '/checkout/.holdfast',
    ],
    ['is the default in a checkout that has none', { environment: inCheckout }, '/default'],
    ['is what HOLDFAST_STATE says in a checkout too', { environment: { ...inCheckout, HOLDFAST_STATE: '/b' }, exists: () => true }, '/b'],
    ['is what --state says in a checkout too', { flag: '/a', environment: inCheckout, exists: () => true }, '/a'],
    ['passes over INIT_CWD of some other npm', { flag: 'a', environment: { INIT_CWD: '/other' } }, '/cwd/a'],
  ];
  for (const [title, inputs, expected] of table) {
    it(title, () => {
      assert.equal(resolved(inputs), expected);
    });
  }

  it('is absolute by default', () => {
    assert.match(defaultStateDirectory(), /^(?:\/|[A-Z]:\\).*holdfast/);
  });

  it('takes relative paths from the working folder where INIT_CWD is no path', () => {
    assert.equal(baseDirectory({ HOLDFAST_CHECKOUT: '/c', INIT_CWD: 'relative' }, '/cwd'), '/cwd');
  });

  it('is what the daemon is looked for with', async () => {
    const daemon = new FakeDaemon({ 'session.status': () => unlockedStatus });
    assert.deepEqual((await runWith(['status', '--state', 'there'], { daemon })).connected, [
      { stateDirectory: '/home/user/here/there', start: false },
    ]);
    assert.equal((await runWith(['status', '--state', ''], { daemon })).status, 2);
  });
});
