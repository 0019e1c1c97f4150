import { sessionAutoLock } from '../../../protocol/methods/autoLock.ts';
import { unattendedOff, unattendedSet } from '../../../protocol/methods/unattended.ts';
import { checkPassphraseFile } from '../../installation/unattended/passphraseFile.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';
import type { Unlocking } from '../unlocking.ts';

export function unattendedHandlers({ unattended, autoLock }: Unlocking): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(unattendedSet, {
      rule: async ({ source }) => {
        if (source.kind === 'passphraseFile') await checkPassphraseFile(source.path);
      },
      run: ({ source }, { signal }) => unattended.set(source, signal),
    }),
    handlerOf(unattendedOff, async () => ({ wasOn: unattended.off() })),
    handlerOf(sessionAutoLock, async ({ hours }) => {
      autoLock.set(hours);
      return { hours };
    }),
  ];
}
