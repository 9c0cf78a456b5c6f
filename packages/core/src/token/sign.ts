import type { AwsCredentialIdentity } from '@smithy/types'
import type { Address } from '../address'
import { parseEndpoint } from '../endpoint/parse-endpoint'

/** The endpoint, region and user that a token is valid for. */
export interface TokenScope {
  /** Host and port of the endpoint itself, not of a tunnel or an alias. */
  endpoint: Address
  region: string
  user: string
}

/** The action that a token and the IAM policy need to log in to Aurora DSQL as a user. */
export function dsqlAction(user: string): 'DbConnect' | 'DbConnectAdmin' {
  return user === 'admin' ? 'DbConnectAdmin' : 'DbConnect'
}

/**
 * Signs a token with AWS's own signers, without a network request. Takes credentials instead of a provider, because the
 * signers call a provider twice when its credentials expire soon.
 */
export function sign(
  { endpoint: { host, port }, region, user }: TokenScope,
  credentials: AwsCredentialIdentity,
): Promise<string> {
  if (parseEndpoint(host).kind === 'dsql') {
    const { DsqlSigner } = require('@aws-sdk/dsql-signer') as typeof import('@aws-sdk/dsql-signer')
    const signer = new DsqlSigner({ hostname: host, region, credentials })
    return dsqlAction(user) === 'DbConnect'
      ? signer.getDbConnectAuthToken()
      : signer.getDbConnectAdminAuthToken()
  }
  const { Signer } = require('@aws-sdk/rds-signer') as typeof import('@aws-sdk/rds-signer')
  const hostname = host.includes(':') ? `[${host}]` : host
  return new Signer({ hostname, port, region, username: user, credentials }).getAuthToken()
}
