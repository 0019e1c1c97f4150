/** Either what was prepared, or one sentence that says what to do to have it. */
export type Preparation<Ready> = { readonly ready: Ready } | { readonly missing: string };
