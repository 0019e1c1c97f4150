import { shellWord } from '../../client/shown/text.ts';
import { shortId } from '../../client/shown/units.ts';
import type { Subject, SubjectOf } from '../views/row.ts';

/** What can be done with a location by a command, the most usual one first: by the id of the command that does it here. */
export function locationVerbs({ keepsLocks }: Pick<SubjectOf<'location'>, 'keepsLocks'>): readonly LocationVerb[] {
  return keepsLocks ? ['validateLocation', 'proveLock', 'refreshLocks', 'auditLocks'] : ['validateLocation'];
}

export type LocationVerb = 'validateLocation' | 'proveLock' | 'refreshLocks' | 'auditLocks';

/** What one would type to do one of them. */
export function locationCommandLine(name: string, verb: LocationVerb, state: string | undefined): string {
  return lineOf(locationVerb(name, verb), state);
}

function locationVerb(name: string, verb: LocationVerb): readonly string[] {
  switch (verb) {
    case 'validateLocation':
      return ['location', 'validate', name];
    case 'proveLock':
      return ['location', 'prove-lock', name];
    case 'refreshLocks':
      return ['immutability', 'refresh', '--location', name];
    case 'auditLocks':
      return ['immutability', 'audit', '--location', name];
  }
}

/** What one would type to do with a thing what is done with it most. `state`: the state directory, where it is not the usual one. */
export function commandLineOf(subject: Subject, state: string | undefined): string {
  return lineOf(verbOf(subject), state);
}

function lineOf(words: readonly string[], state: string | undefined): string {
  return ['holdfast', ...(state === undefined ? [] : ['--state', state]), ...words].map(word).join(' ');
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
      return locationVerb(subject.name, 'validateLocation');
    case 'alert':
      return ['alert', 'acknowledge', shortId(subject.id)];
    case 'action':
      return ['action', 'show', shortId(subject.id)];
  }
}
