import type { AwsCredentialIdentity } from '@smithy/types'
import type { Address } from '../iam-options'

/** What a token is for. */
export interface LoginTo {
  /** The RDS endpoint's host and port, as the server knows itself. */
  endpoint: Address
  region: string
  user: string
}

/** Signs a token with @aws-sdk/rds-signer. Makes no request. */
export async function signToken(
  { endpoint, region, user }: LoginTo,
  identity: AwsCredentialIdentity,
): Promise<{ value: string; issuedAt: Date }> {
  const { Signer } = require('@aws-sdk/rds-signer') as typeof import('@aws-sdk/rds-signer')
  const hostname = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host
  // Resolved credentials: given a provider, the signer asks it twice when they are short-lived.
  const signer = new Signer({ hostname, port: endpoint.port, region, username: user, credentials: identity })
  const value = await signer.getAuthToken()
  return { value, issuedAt: readDate(value) }
}

function readDate(token: string): Date {
  const [, year, month, day, hour, minute, second] =
    /X-Amz-Date=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(token) ?? []
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}
