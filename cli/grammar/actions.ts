import type { Argument, Family } from './verb.ts';

const alertId: Argument = { name: 'ID', about: 'the alert: its id or a prefix of it' };

const id: Argument = { name: 'ID', about: 'the action: its id or a prefix of it' };

export const actionFamily: Family = {
  heading: 'Work and alerts',
  groups: [
    { path: 'action', summary: 'runs of work' },
    { path: 'alert', summary: 'what needs to be known' },
  ],
  verbs: [
    {
      path: 'action list',
      summary: 'list runs of work, newest first',
      flags: [{ flag: '--limit', value: 'N', about: 'at most so many (default: 50)' }],
      examples: [{ command: 'holdfast action list', about: '' }],
    },
    {
      path: 'action show',
      summary: 'show a run of work',
      arguments: [id],
      flags: [{ flag: '--follow', about: 'until it ends; with --json as JSON Lines' }],
      examples: [
        { command: 'holdfast action show 4f1c2a', about: '' },
        { command: 'holdfast action show 4f1c2a --follow', about: '' },
      ],
    },
    {
      path: 'action cancel',
      summary: 'cancel a run of work',
      arguments: [id],
      flags: [{ flag: '--follow', about: 'until it has ended; with --json as JSON Lines' }],
      examples: [{ command: 'holdfast action cancel 4f1c2a', about: '' }],
    },
    {
      path: 'alert list',
      summary: 'list what needs to be known, newest first',
      flags: [{ flag: '--all', about: 'also what has been resolved' }],
      examples: [{ command: 'holdfast alert list', about: '' }],
    },
    {
      path: 'alert acknowledge',
      summary: 'count an alert no more; it stays listed until its cause is gone',
      arguments: [alertId],
      examples: [{ command: 'holdfast alert acknowledge 4f1c2a', about: '' }],
    },
    {
      path: 'alert snooze',
      summary: 'count an alert again after a while',
      arguments: [alertId],
      flags: [
        { flag: '--for', value: 'DURATION', about: 'for so long: 30m, 12h or 7d' },
        { flag: '--until', value: 'TIME', about: 'until then' },
      ],
      examples: [{ command: 'holdfast alert snooze 4f1c2a --for 12h', about: '' }],
    },
  ],
  later: [],
};
