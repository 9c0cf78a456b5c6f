import { inspect } from 'node:util'
import { readHost, readPort } from '../address'
import { parseEndpoint } from '../endpoint/parse-endpoint'
import { resolveRegion } from '../endpoint/region'
import { publish } from '../events'
import {
  checkIdentityOptions,
  checkKeys,
  IDENTITY_OPTIONS,
  readUser,
  type IdentityOptions,
} from '../iam-options'
import { SigningCredentials, TOKEN_LIFETIME_MS, type Credentials } from './credentials'
import { RefreshingValue, shortlyBefore, type Lifetime } from './refreshing-value'
import { sign, type TokenScope } from './sign'

const MARGINS = { leastMs: 0, mostMs: 60_000 }

/**
 * A token that RDS or Aurora DSQL accepts instead of a password. Printing it (inspect, String, JSON) never shows its value.
 */
export interface AuthToken {
  /** The token itself; not enumerable. */
  readonly value: string
  /** When it was signed, with a precision of one second. */
  readonly issuedAt: Date
  /** When it expires: 15 minutes after signing, or earlier with the credentials that signed it. */
  readonly expiresAt: Date
}

/** Provides tokens for one endpoint and user. */
export interface TokenProvider {
  /**
   * Returns a valid token. Signs a new one shortly before the old one expires. Concurrent callers share one credential
   * fetch and one signature. `forceRefresh` fetches new credentials and signs a new token.
   *
   * @throws {RdsIamError} `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`
   */
  getToken(options?: { forceRefresh?: boolean }): Promise<AuthToken>
}

/** Options of {@link createTokenProvider}. */
export interface TokenProviderOptions extends IdentityOptions {
  /** The host name of the RDS or Aurora DSQL endpoint. It is signed in lower case and otherwise unchanged. */
  host: string
  /** The endpoint's port: a number, or its digits as text. A DSQL token does not contain it. */
  port: number | string
  /** The database user. */
  user: string
}

/**
 * Creates a provider of IAM tokens, for a driver without its own function here, a script, or a connection string.
 *
 * @throws {RdsIamError} `INVALID_OPTION` synchronously
 * @example
 * ```ts
 * const provider = createTokenProvider({ host: 'db.abc….eu-west-1.rds.amazonaws.com', port: 5432, user: 'app' })
 * const { value, expiresAt } = await provider.getToken()
 * ```
 */
export function createTokenProvider(options: TokenProviderOptions): TokenProvider {
  checkKeys(options, 'createTokenProvider', ['host', 'port', 'user', ...IDENTITY_OPTIONS])
  checkIdentityOptions(options, '')
  const host = readHost(options.host, 'host')
  const endpoint = { host, port: readPort(options.port, 'port') }
  const user = readUser(options.user, 'user')
  const credentials = new SigningCredentials(options)
  const token = new RefreshingToken(
    async () => ({ endpoint, user, region: await resolveRegion(parseEndpoint(host), options) }),
    (request) => credentials.get(request),
  )
  return { getToken: (request) => token.get(request) }
}

/** The current token of one scope, refreshed on use. */
export class RefreshingToken extends RefreshingValue<AuthToken> {
  readonly #findScope: () => TokenScope | Promise<TokenScope>
  readonly #credentials: (request: { forceRefresh: boolean }) => Promise<Credentials>
  #scope: TokenScope | undefined

  constructor(
    findScope: () => TokenScope | Promise<TokenScope>,
    credentials: (request: { forceRefresh: boolean }) => Promise<Credentials>,
  ) {
    super()
    this.#findScope = findScope
    this.#credentials = credentials
  }

  protected async fetch(request: { forceRefresh: boolean }): Promise<AuthToken> {
    const start = performance.now()
    const scope = await this.#findScope()
    this.#scope = scope
    const { identity, expiresAt } = await this.#credentials(request)
    const token = readToken(await sign(scope, identity), expiresAt)
    const durationMs = performance.now() - start
    publish('token.signed', () => ({ ...scope, expiresAt: token.expiresAt, durationMs }))
    return token
  }

  protected lifetime({ issuedAt, expiresAt }: AuthToken): Lifetime {
    const madeAtMs = issuedAt.getTime()
    const expiresAtMs = expiresAt.getTime()
    const refreshAtMs = shortlyBefore(expiresAtMs, madeAtMs, MARGINS)
    // RDS refuses a token that was signed in the future.
    return { madeAtMs, refreshAtMs, expiresAtMs, validFromMs: madeAtMs }
  }

  protected override onReused({ expiresAt }: AuthToken): void {
    const scope = this.#scope
    if (scope) publish('token.reused', () => ({ ...scope, expiresAt }))
  }

  protected onFailed(error: unknown, kept: AuthToken | undefined): void {
    publish('token.renewal-failed', () => ({ ...this.#scope, error, bridged: kept !== undefined }))
  }
}

function readToken(value: string, credentialsExpireAt: Date | undefined): AuthToken {
  const issuedAt = readDate(value)
  const expiresAtMs = Math.min(
    issuedAt.getTime() + TOKEN_LIFETIME_MS,
    credentialsExpireAt?.getTime() ?? Infinity,
  )
  return new RedactedToken(value, issuedAt, new Date(expiresAtMs))
}

function readDate(token: string): Date {
  const [, year, month, day, hour, minute, second] =
    /X-Amz-Date=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(token) ?? []
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

class RedactedToken implements AuthToken {
  readonly #value: string

  constructor(
    value: string,
    readonly issuedAt: Date,
    readonly expiresAt: Date,
  ) {
    this.#value = value
  }

  get value(): string {
    return this.#value
  }

  toString(): string {
    return `[AuthToken redacted, expires ${this.expiresAt.toISOString()}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}
