/** A mount or a namespace as Vault takes it, from how it is typed: `admin/` is what Vault shows. */
export function withoutSlashes(text: string | undefined): string | undefined {
  return text === undefined ? text : text.replace(/^\//, '').replace(/\/$/, '');
}
