const longestText = 300;
/** As much of a secret as is taken for it where it is repeated. */
const window = 12;
/** Keys, tokens and what is encoded are longer than any word. */
const encoded = /[A-Za-z0-9+/=_.-]{40,}/g;
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\s]+/gu;

/** Makes what a service says fit to be shown: one line of at most 300 characters without control characters, and without a piece of any secret. */
export class VaultText {
  readonly #secrets = new Set<string>();

  /** From now on this is left out wherever it is repeated. */
  hide(secret: string): void {
    this.#secrets.add(secret);
  }

  /** In quotation marks, or an empty text where nothing is left. */
  quoted(text: string): string {
    const plain = this.#isTold(text) ? '' : text.replace(unseen, ' ').replace(encoded, '…').trim();
    if (plain === '') return '';
    return `“${plain.length > longestText ? `${plain.slice(0, longestText - 1)}…` : plain}”`;
  }

  #isTold(text: string): boolean {
    return this.#secrets.values().some((secret) => {
      if (secret.length <= window) return secret !== '' && text.includes(secret);
      for (let at = 0; at + window <= secret.length; at += 1) if (text.includes(secret.slice(at, at + window))) return true;
      return false;
    });
  }
}
