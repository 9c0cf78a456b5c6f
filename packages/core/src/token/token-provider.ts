import { publishRenewalFailed, publishReused, publishSigned } from '../events'
import {
  checkHost,
  checkPort,
  checkTokenProviderOptions,
  checkUser,
  type IdentityOptions,
} from '../iam-options'
import { parseEndpoint } from '../endpoint/parse-endpoint'
import { resolveRegion } from '../endpoint/region'
import { createAuthToken, type AuthToken } from './auth-token'
import { createCredentials, type Credentials } from './credentials'
import { tokenExpiry, tokenRenewalMs } from './lifetime'
import { createRenewable, type Renewable } from './renewable'
import { signToken, type LoginTo } from './sign'

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
  checkTokenProviderOptions(options)
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

/** The tokens of one endpoint and user, signed with credentials that others may share. */
export function createTokens(
  credentials: Renewable<Credentials>,
  loginTo: () => Promise<LoginTo>,
): Renewable<AuthToken> {
  let login: LoginTo | undefined
  return createRenewable<AuthToken>({
    async make(request) {
      const start = performance.now()
      login = await loginTo()
      const { identity, until } = await credentials.get(request)
      const { value, issuedAt } = await signToken(login, identity)
      const token = createAuthToken(value, issuedAt, tokenExpiry(issuedAt, until))
      publishSigned(login, token, performance.now() - start)
      return token
    },
    lifetime: ({ issuedAt, expiresAt }) => ({ since: issuedAt, until: expiresAt }),
    renewalMs: ({ issuedAt, expiresAt }) => tokenRenewalMs(issuedAt, expiresAt),
    onReused: (token) => publishReused(login, token),
    onFailed: (error, kept) => publishRenewalFailed(login, error, kept !== undefined),
  })
}
