import { HoldfastError } from '../../../protocol/errors.ts';

/** SSE-S3 by name, so that no default of the bucket takes its place. */
export const askedEncryption: { readonly ServerSideEncryption: 'AES256' } = { ServerSideEncryption: 'AES256' };

/** Throws `storeFailed` where the answer to a put that asked for SSE-S3 says something else. */
export function checkEncryption(action: string, found: string | undefined): void {
  if (found === askedEncryption.ServerSideEncryption) return;
  throw HoldfastError.failedTo('storeFailed', action, 'the store did not encrypt it as it was asked to (SSE-S3)', {
    fix: 'Check the bucket\'s default encryption with "holdfast location validate".',
  });
}
