/** What the transit engine wraps: `vault:v<version>:<base64>`, ASCII. */
export interface VaultCiphertext {
  readonly text: string;
  readonly version: number;
}

/** As much as a slot holds (docs/format.md, Slot). */
const longestCiphertext = 6144;
const form = /^vault:v([1-9]\d{0,9}):([A-Za-z0-9+/]+={0,2})$/;

export function parseVaultCiphertext(text: string): VaultCiphertext | undefined {
  if (text.length > longestCiphertext) return undefined;
  const [, version, bytes] = form.exec(text) ?? [];
  if (version === undefined || bytes === undefined || Buffer.from(bytes, 'base64').toString('base64') !== bytes) return undefined;
  return { text, version: Number(version) };
}

/** As a slot keeps it: its UTF-8 in base64. */
export function wrappedOfCiphertext({ text }: VaultCiphertext): string {
  return Buffer.from(text, 'latin1').toString('base64');
}

export function ciphertextOfWrapped(wrapped: string): VaultCiphertext | undefined {
  return parseVaultCiphertext(Buffer.from(wrapped, 'base64').toString('latin1'));
}
