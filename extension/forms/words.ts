/** The part of the editor's `l10n` that turns words into the user's language: handed in, so that what is said can be tested without the editor. */
export interface Words {
  t(message: string, ...values: (string | number | boolean)[]): string;
}
