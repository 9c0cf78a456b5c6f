import { parseEndpoint } from '../endpoint/parse-endpoint'
import { resolveRegion } from '../endpoint/region'
import {
  checkHost,
  checkIdentityOptions,
  checkKeys,
  checkPort,
  checkUser,
  IDENTITY_OPTIONS,
  type IdentityOptions,
} from '../iam-options'
import type { AuthToken } from './auth-token'
import { createCredentials } from './credentials'
import { createTokens } from './tokens'

/** Makes tokens for one endpoint and user. */
export interface TokenProvider {
  /**
   * The token in use, or a new one shortly before its end. Callers at the same time share one credential
   * look-up and one signature. `forceRefresh` asks for new credentials and signs anew.
   *
   * @throws {RdsIamError} `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`
   */
  getToken(options?: { forceRefresh?: boolean }): Promise<AuthToken>
}

/** What {@link createTokenProvider} takes. */
export interface TokenProviderOptions extends IdentityOptions {
  /** The RDS endpoint's host name; signed as it is, in lower case. */
  host: string
  /** The endpoint's port. */
  port: number
  /** The database user. */
  user: string
}

/**
 * Makes a provider of IAM tokens for whatever takes one: a driver, a script, a connection string.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, at once
 * @example
 * ```ts
 * const provider = createTokenProvider({ host: 'db.abc….eu-west-1.rds.amazonaws.com', port: 5432, user: 'app' })
 * const { value, expiresAt } = await provider.getToken()
 * ```
 */
export function createTokenProvider(options: TokenProviderOptions): TokenProvider {
  checkKeys(options, 'createTokenProvider', ['host', 'port', 'user', ...IDENTITY_OPTIONS])
  checkIdentityOptions(options, '')
  const host = checkHost(options.host, 'host')
  const endpoint = { host, port: checkPort(options.port, 'port') }
  const user = checkUser(options.user, 'user')
  const tokens = createTokens(createCredentials(options), async () => ({
    endpoint,
    user,
    region: await resolveRegion(parseEndpoint(host), options),
  }))
  return { getToken: (request) => tokens.get(request) }
}
