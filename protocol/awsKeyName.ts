/** What names a key of AWS KMS (AWS KMS developer guide, Key identifiers). */
export type AwsKeyName =
  | { readonly form: 'keyArn'; readonly arn: string; readonly region: string }
  | { readonly form: 'aliasArn'; readonly arn: string; readonly region: string; readonly alias: string }
  | { readonly form: 'keyId'; readonly keyId: string }
  /** With `alias/` before it. */
  | { readonly form: 'alias'; readonly alias: string };

const keyId = '(?:mrk-[0-9a-fA-F]{32}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})';
const alias = 'alias/[A-Za-z0-9/_-]{1,250}';
const arn = 'arn:aws[a-z-]{0,16}:kms:([a-z0-9]+(?:-[a-z0-9]+){0,6}):[0-9]{12}:';
const keyArnPattern = new RegExp(`^${arn}key/${keyId}$`);
const aliasArnPattern = new RegExp(`^${arn}(${alias})$`);
const keyIdPattern = new RegExp(`^${keyId}$`);
const aliasPattern = new RegExp(`^${alias}$`);
const regionOfArn = /^(arn:[^:]+:kms:)[^:]+/;

/** `undefined` where the text is no ARN, id or alias of a key. */
export function readAwsKeyName(text: string): AwsKeyName | undefined {
  if (keyIdPattern.test(text)) return { form: 'keyId', keyId: text };
  if (aliasPattern.test(text)) return { form: 'alias', alias: text };
  const [, keyRegion] = keyArnPattern.exec(text) ?? [];
  if (keyRegion !== undefined) return { form: 'keyArn', arn: text, region: keyRegion };
  const [, aliasRegion, name] = aliasArnPattern.exec(text) ?? [];
  return aliasRegion === undefined || name === undefined ? undefined : { form: 'aliasArn', arn: text, region: aliasRegion, alias: name };
}

/** Partition, region and account of a key, as its ARN begins. */
export function ownerOfKeyArn(keyArn: string): string {
  return keyArn.slice(0, keyArn.indexOf(':key/'));
}

/**
 * What tells one key from another: its ARN, and for a multi-region key that without the region, since its replicas have one id and one material, and what one has
 * encrypted each of them decrypts (AWS KMS developer guide, Multi-Region keys). Text that is no ARN of a key is one by itself.
 */
export function materialOfKeyArn(keyArn: string): string {
  const { form } = readAwsKeyName(keyArn) ?? {};
  return form === 'keyArn' && keyArn.includes(':key/mrk-') ? keyArn.replace(regionOfArn, '$1*') : keyArn;
}

/** An alias by its ARN: without one it is looked for in the account of whoever asks, which need not be that of the key. */
export function aliasArnBeside(keyArn: string, aliasName: string): string {
  return `${ownerOfKeyArn(keyArn)}:${aliasName}`;
}
