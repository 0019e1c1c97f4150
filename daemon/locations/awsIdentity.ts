import { fromIni, fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';

/** What a request to AWS is signed with. The SDK takes texts only; they live as long as the request. */
export interface AwsIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** `chain`: environment, AWS configuration with SSO, web identity, container, instance, in the SDK's order. */
export type AwsIdentitySource =
  | { readonly source: 'chain' }
  | { readonly source: 'profile'; readonly profile: string }
  /** Taken on with the identity of the chain. */
  | { readonly source: 'role'; readonly roleArn: string };

/** Asks a source for an identity, anew at each call. Rejects with the SDK's errors. */
export function identityProvider(source: AwsIdentitySource, region: string): () => Promise<AwsIdentity> {
  switch (source.source) {
    case 'profile':
      return fromIni({ profile: source.profile, ignoreCache: true, clientConfig: { region } });
    case 'role':
      return fromTemporaryCredentials({
        params: { RoleArn: source.roleArn, RoleSessionName: 'holdfast' },
        masterCredentials: fromNodeProviderChain({ ignoreCache: true, clientConfig: { region } }),
        clientConfig: { region },
      });
    case 'chain':
      return fromNodeProviderChain({ ignoreCache: true, clientConfig: { region } });
  }
}

/** As the end of a sentence: why a source gave none. */
export function shownIdentitySource(source: AwsIdentitySource): string {
  switch (source.source) {
    case 'profile':
      return `profile ${source.profile} of the AWS configuration gives none`;
    case 'role':
      return `the role ${source.roleArn} could not be taken on`;
    case 'chain':
      return 'neither the environment, the AWS configuration nor the machine gives any';
  }
}
