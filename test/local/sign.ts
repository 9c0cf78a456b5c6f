import { createTokenProvider } from '@rds-iam/core'
import type { LocalRds, TestIdentity } from '@rds-iam/local'

/** What a token says in place of what the endpoint expects. */
export interface SignedAs {
  host?: string
  port?: number
  user?: string
  region?: string
  identity?: TestIdentity
}

/** A token for an endpoint, made by AWS's signer. */
export async function sign(
  rds: Pick<LocalRds, 'port' | 'user' | 'region' | 'env'>,
  as: SignedAs = {},
): Promise<string> {
  const { host = 'localhost', port = rds.port, user = rds.user, region = rds.region, identity } = as
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_SESSION_TOKEN } = rds.env
  const credentials = identity ?? {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: AWS_SESSION_TOKEN }),
  }
  const token = await createTokenProvider({ host, port, user, region, credentials }).getToken()
  return token.value
}
