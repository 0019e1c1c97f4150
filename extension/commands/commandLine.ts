import { shellWord } from '../../client/shown/text.ts';
import { shortId } from '../../client/shown/units.ts';
import type { Subject } from '../views/row.ts';

/** What one would type to do with a thing what is done with it most. `state`: the state directory, where it is not the usual one. */
export function commandLineOf(subject: Subject, state: string | undefined): string {
  return ['holdfast', ...(state === undefined ? [] : ['--state', state]), ...verbOf(subject)].map(word).join(' ');
}

/** Flags need no quotation marks, whatever `shellWord` takes for careful. */
function word(text: string): string {
  return /^--[a-z]*$/.test(text) ? text : shellWord(text);
}

function verbOf(subject: Subject): readonly string[] {
  switch (subject.kind) {
    case 'policy':
      return ['backup', subject.name];
    case 'restorePoint':
      return ['restore', shortId(subject.id), '--target', 'DIR'];
    case 'entry':
      // A path may begin with a hyphen and is no flag for it.
      return subject.isFolder
        ? ['restore', shortId(subject.restorePointId), `--path=${subject.path}`, '--target', 'DIR']
        : ['restore-point', 'cat', shortId(subject.restorePointId), '--', subject.path];
    case 'passkey':
      return ['passkey', 'verify', subject.name];
    case 'location':
      return ['location', 'validate', subject.name];
    case 'alert':
      return ['alert', 'acknowledge', shortId(subject.id)];
    case 'action':
      return ['action', 'show', shortId(subject.id)];
  }
}
