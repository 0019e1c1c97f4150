import { sessionLock } from '../../protocol/methods/session.ts';
import type { Services } from '../services.ts';

export async function lock({ daemon }: Services): Promise<void> {
  await daemon.call(sessionLock, {});
}
