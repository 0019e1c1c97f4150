/** The five trees of the container. package.json declares the same ones. */
export const viewIds = [
  'holdfast.restorePoints',
  'holdfast.policies',
  'holdfast.passkeys',
  'holdfast.locations',
  'holdfast.alerts',
] as const;

export type ViewId = (typeof viewIds)[number];
