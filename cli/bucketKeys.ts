import { HoldfastError } from '../protocol/errors.ts';
import type { S3KeysSecret } from '../protocol/methods/locations.ts';
import { parseStrictJson } from '../protocol/strictJson.ts';

/** Bytes of a file of keys. */
export const longestKeysFile = 65_536;

const names: Readonly<Record<keyof S3KeysSecret, { readonly variable: string; readonly longest: number; readonly what: string }>> = {
  accessKeyId: { variable: 'AWS_ACCESS_KEY_ID', longest: 256, what: 'the access key id' },
  secretAccessKey: { variable: 'AWS_SECRET_ACCESS_KEY', longest: 1024, what: 'the secret access key' },
  sessionToken: { variable: 'AWS_SESSION_TOKEN', longest: 8192, what: 'the session token' },
};

/** What a key can be made of: no space, no line end. */
const keyPattern = /^[\x21-\x7e]+$/;

/** The keys of the calling shell; `undefined` where it has none. Throws `badValue` where it has half of them, or what can be no key; no message holds any of it. */
export function keysOfEnvironment(environment: Readonly<Record<string, string | undefined>>): S3KeysSecret | undefined {
  const value = (member: keyof S3KeysSecret): string => environment[names[member].variable] ?? '';
  if (value('accessKeyId') === '' && value('secretAccessKey') === '') return undefined;
  const fix = 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither of them.';
  return keysOf(value, (reason) => HoldfastError.failedTo('badValue', "take the shell's credentials", reason, { fix }), 'variable');
}

/**
 * The keys in a file: JSON as `S3KeysSecret` has it or as `aws configure export-credentials` writes it, the `[default]` profile of an AWS credentials file
 * (AWS SDKs and Tools Reference Guide, Shared config and credentials files), or the `AWS_…=…` lines of a shell. Throws `badValue`; no message holds any of it.
 */
export function keysOfFile(bytes: Uint8Array): S3KeysSecret {
  if (bytes.length > longestKeysFile) throw refusedFile('it is too large');
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === '') throw refusedFile('it is empty');
  const found = text.trimStart().startsWith('{') ? membersOf(bytes) : profileOf(text);
  return keysOf((member) => found.get(member), refusedFile, 'what');
}

/** As the daemon takes them. The caller owns the bytes. */
export function secretOf(keys: S3KeysSecret): Buffer {
  return Buffer.from(JSON.stringify(keys), 'utf8');
}

function refusedFile(reason: string): HoldfastError {
  return HoldfastError.failedTo('badValue', 'read the file of credentials', reason, {
    fix: 'Give {"accessKeyId": "…", "secretAccessKey": "…"}, or an AWS credentials file with a [default] profile.',
  });
}

type Refusal = (reason: string) => HoldfastError;

function keysOf(value: (member: keyof S3KeysSecret) => string | undefined, refuse: Refusal, called: 'variable' | 'what'): S3KeysSecret {
  const checked = (member: keyof S3KeysSecret): string | undefined => {
    const text = value(member);
    if (text === undefined || text === '') return undefined;
    const name = names[member][called];
    if (text.length > names[member].longest) throw refuse(`${name} is longer than any key`);
    if (!keyPattern.test(text)) throw refuse(`${name} has a space, a line end or another character that no key has`);
    return text;
  };
  const needed = (member: keyof S3KeysSecret): string => {
    const text = checked(member);
    if (text === undefined) throw refuse(`${names[member][called]} is missing`);
    return text;
  };
  const accessKeyId = needed('accessKeyId');
  const secretAccessKey = needed('secretAccessKey');
  const sessionToken = checked('sessionToken');
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** Members of an object, whichever way their first letter is written. */
function membersOf(bytes: Uint8Array): ReadonlyMap<string, string> {
  let value: unknown;
  try {
    value = parseStrictJson(bytes, { maxBytes: longestKeysFile, maxDepth: 2 });
  } catch {
    // What a parser says of a file of secrets may repeat a part of one.
    throw refusedFile('it is no JSON');
  }
  const members = Object.entries(Object(value)).flatMap(([name, member]: [string, unknown]) =>
    typeof member === 'string' ? [[name.slice(0, 1).toLowerCase() + name.slice(1), member] as const] : [],
  );
  return new Map(members);
}

function profileOf(text: string): ReadonlyMap<string, string> {
  const sections = new Map<string, Map<string, string>>();
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    const [, name = '', quoted, bare = ''] = /^\s*(?:export\s+)?(aws_[a-z_]+)\s*=\s*(?:"([^"]*)"|(.*?))\s*$/i.exec(line) ?? [];
    const member = memberOf(name);
    if (member === undefined) continue;
    const values = sections.get(section) ?? new Map<string, string>();
    sections.set(section, values);
    if (values.has(member)) throw refusedFile('it has more than one set of keys in one place');
    values.set(member, quoted ?? bare);
  }
  const found = sections.get('default') ?? (sections.size === 1 ? sections.get('') : undefined);
  if (found !== undefined) return found;
  throw refusedFile(sections.size === 0 ? 'it holds no keys' : 'it has no [default] profile with keys');
}

function memberOf(variable: string): keyof S3KeysSecret | undefined {
  switch (variable.toUpperCase()) {
    case names.accessKeyId.variable:
      return 'accessKeyId';
    case names.secretAccessKey.variable:
      return 'secretAccessKey';
    case names.sessionToken.variable:
      return 'sessionToken';
    default:
      return undefined;
  }
}
