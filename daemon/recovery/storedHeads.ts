import type { PolicyId } from '../../protocol/ids.ts';
import type { Finding } from '../../protocol/methods/values.ts';
import { headOutcome } from '../repository/history.ts';
import type { Head, Heads } from '../repository/manifestTypes.ts';

/** An authentic object that names the newest ones that its writer knew. */
export interface NamingObject {
  readonly key: string;
  readonly heads: Heads;
}

export interface KnownObjects {
  /** Every authentic manifest of each policy. */
  readonly policies: ReadonlyMap<PolicyId, readonly Head[]>;
  /** Authentic keyrings. */
  readonly keyrings: readonly Head[];
}

/**
 * What a location should hold by its own authentic objects and does not: newest objects that were taken away or replaced (docs/format.md, 8.2). Heads of terms
 * are held against nothing: this version opens no terms.
 */
export function headFindings(naming: readonly NamingObject[], known: KnownObjects): readonly Finding[] {
  return naming.flatMap(({ key, heads }) => {
    const named = Object.entries(heads.policies).map(([policyId, head]) => {
      const manifests = [...known.policies].find(([id]) => id === policyId)?.[1] ?? [];
      return reasonOf(`restore point ${head.sequence} of policy ${policyId}`, head, manifests);
    });
    const { keyring } = heads;
    if (keyring !== null) named.push(reasonOf(`keyring ${keyring.sequence}`, keyring, known.keyrings));
    return named.flatMap((reason) => (reason === undefined ? [] : [{ path: key, reason }]));
  });
}

function reasonOf(what: string, head: Head, authentic: readonly Head[]): string | undefined {
  switch (headOutcome(head, authentic)) {
    case 'missing':
      return `It names ${what}, and neither that nor a newer one is there: somebody may have taken away the newest.`;
    case 'differs':
      return `It names ${what}, and another one is in its place.`;
    case 'found':
    case 'gone':
      return undefined;
  }
}
