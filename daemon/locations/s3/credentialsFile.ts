import { HoldfastError } from '../../../protocol/errors.ts';
import type { S3Keys } from './s3Options.ts';

const longestFile = 65_536;
const line =
  /^\s*(?:export\s+)?(aws_access_key_id|aws_secret_access_key|aws_session_token)\s*=\s*["']?([\x21\x23-\x26\x28-\x7e]{1,16384})["']?\s*$/i;

/**
 * Reads what `--credentials-file` holds: `AWS_ACCESS_KEY_ID=…` lines of a shell, or an AWS credentials file with one set of keys. Throws `badValue`. The
 * bytes stay the caller's to overwrite; what is returned is the caller's too.
 */
export function parseCredentialsFile(bytes: Uint8Array): S3Keys {
  if (bytes.length > longestFile) throw malformed(`it is larger than ${longestFile} bytes`);
  const found = new Map<string, string>();
  for (const text of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').split(/\r?\n/)) {
    const [, name, value] = line.exec(text) ?? [];
    if (name === undefined || value === undefined) continue;
    if (found.has(name.toLowerCase())) throw malformed('it names more than one set of keys');
    found.set(name.toLowerCase(), value);
  }
  const accessKeyId = found.get('aws_access_key_id');
  const secret = found.get('aws_secret_access_key');
  const token = found.get('aws_session_token');
  if (accessKeyId === undefined || secret === undefined) throw malformed('it has no aws_access_key_id and aws_secret_access_key');
  return {
    accessKeyId,
    secretAccessKey: Buffer.from(secret, 'latin1'),
    ...(token === undefined ? {} : { sessionToken: Buffer.from(token, 'latin1') }),
  };
}

function malformed(reason: string): HoldfastError {
  return HoldfastError.failedTo('badValue', 'read the file of credentials', reason, {
    fix: 'Give a file with the lines aws_access_key_id=… and aws_secret_access_key=….',
  });
}
