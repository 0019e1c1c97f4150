import type { Words } from '../../../../extension/forms/words.ts';

/** The words as they stand in the source. */
export const english: Words = {
  t: (message, ...values) => message.replaceAll(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)])),
};
