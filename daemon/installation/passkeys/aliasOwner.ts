import { aliasArnBeside } from '../../../protocol/awsKeyName.ts';
import type { ServiceSlot } from '../../keys/agent/keyAccess.ts';
import { describeKey, type ServiceReach } from '../../keys/passkeys/serviceSlot.ts';
import { isProblem } from './permitted.ts';

/** What an alias names at this moment, beside the KMS key of a slot. */
export type AliasOwner =
  /** The slot's key. */
  | { readonly is: 'old' }
  | { readonly is: 'other'; readonly keyArn: string }
  /** There is no such alias. */
  | { readonly is: 'nobody' }
  /** A key that this program may not look at, or that can wrap nothing. */
  | { readonly is: 'unseen' };

/** `reference`: of the slot whose key had the alias. Rejects as `describeKey` does, for reasons that say nothing of the alias. */
export async function aliasOwner(
  alias: string,
  { keyArn, region }: Extract<ServiceSlot, { readonly kind: 'awsKms' }>['reference'],
  reach: ServiceReach,
): Promise<AliasOwner> {
  try {
    const facts = await describeKey({ kind: 'awsKms', keyId: aliasArnBeside(keyArn, alias), region }, reach);
    if (facts.kind !== 'awsKms') throw new RangeError('facts of another kind');
    return facts.keyArn === keyArn ? { is: 'old' } : { is: 'other', keyArn: facts.keyArn };
  } catch (error) {
    if (isProblem(error, 'keyMissing')) return { is: 'nobody' };
    if (isProblem(error, 'accessDenied', 'wrongKeyType')) return { is: 'unseen' };
    throw error;
  }
}
