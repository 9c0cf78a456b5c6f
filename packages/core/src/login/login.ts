import { isIP } from 'node:net'
import type { ConnectionOptions, SecureContext } from 'node:tls'
import { readHost, readPort } from '../address'
import { parseEndpoint } from '../endpoint/parse-endpoint'
import { RdsIamError } from '../errors'
import { publish } from '../events'
import { readUser, type IamSettings } from '../iam-options'
import { SigningCredentials, type Credentials } from '../token/credentials'
import { RefreshingValues } from '../token/refreshing-value'
import { RefreshingToken, type AuthToken, type TokenScope } from '../token/tokens'
import { createSecureContexts } from '../tls/secure-context'
import type { SslOptions } from '../tls/ssl-option'
import { builtInTrust, type TrustedCas } from '../tls/trust'
import { checkCertificate } from '../tls/verify'
import { findTarget, type LoginTarget } from './login-target'

/** How the connections of one driver configuration log in. Its tokens are kept as long as the configuration. */
export class Login {
  /** The caller's TLS settings. */
  readonly ssl: SslOptions
  readonly #iam: IamSettings
  readonly #enginePort: number
  readonly #credentials: SigningCredentials
  readonly #tokens = new RefreshingValues<RefreshingToken>()
  readonly #contexts: (cas: TrustedCas | undefined) => SecureContext

  constructor(iam: IamSettings, ssl: SslOptions, enginePort: number) {
    this.ssl = ssl
    this.#iam = iam
    this.#enginePort = enginePort
    this.#credentials = new SigningCredentials(iam)
    this.#contexts = createSecureContexts(ssl)
  }

  /** Finds what to dial, to sign for and to verify when a driver connects to an address. */
  async target({ host, port }: { host: unknown; port: unknown }): Promise<LoginTarget> {
    const dialled = { host: readHost(host, 'host'), port: readPort(port, 'port') }
    return findTarget(dialled, this.#iam, this.#enginePort)
  }

  /** The token for a target and a user. */
  token({ endpoint, region }: LoginTarget, user: unknown): Promise<AuthToken> {
    const scope = { endpoint, region, user: readUser(user, 'user') }
    const key = keyOf(scope)
    const token =
      this.#tokens.get(key) ??
      this.#tokens.add(key, new RefreshingToken(() => scope, this.#signingCredentials))
    return token.get()
  }

  /** Starts a login: the attempt holds the token to send. */
  async attempt(target: LoginTarget, user: unknown): Promise<LoginAttempt> {
    const token = await this.token(target, user)
    return new LoginAttempt(this, target, user as string, token)
  }

  /** Drops a token that the server refused. */
  discard(scope: TokenScope, token: AuthToken): void {
    // Many logins may be refused with one token: the first one says that its credentials may be bad.
    if (this.#tokens.get(keyOf(scope))?.discard(token)) this.#credentials.markStale()
  }

  /** The CA certificates for a target; undefined where the caller's `ssl` has some. */
  cas({ parsed, region }: LoginTarget): TrustedCas | undefined {
    return this.ssl.ca || this.ssl.secureContext ? undefined : builtInTrust(parsed, region)
  }

  /**
   * The built-in CA certificates that are known for a configured host before a connection is opened. Without a
   * region there are none, and then no certificate is accepted.
   */
  configuredCas(host: string): TrustedCas {
    const parsed = parseEndpoint(this.endpointHost(host))
    const { env } = process
    const region = this.#iam.region ?? parsed.region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'])
    try {
      return region ? builtInTrust(parsed, region) : []
    } catch {
      return []
    }
  }

  /** The name on the certificate of a configured host. */
  endpointHost(host: string): string {
    return this.#iam.endpoint?.host ?? host
  }

  /** Node's TLS options for a connection to a target. `ssl` may replace the caller's TLS settings. */
  connectionOptions(
    target: LoginTarget,
    {
      ssl = this.ssl,
      onChecked,
    }: { ssl?: SslOptions; onChecked?: (problem: Error | undefined) => void } = {},
  ): ConnectionOptions {
    const { host } = target.endpoint
    const context = ssl === this.ssl ? this.#contexts : createSecureContexts(ssl)
    return {
      ...ssl,
      // One secure context for all connections: parsing CA certificates costs more than the rest of a login.
      secureContext: context(ssl.ca || ssl.secureContext ? undefined : (this.cas(target) ?? [])),
      ...(isIP(host) ? {} : { servername: host }),
      rejectUnauthorized: true,
      checkServerIdentity(_, certificate) {
        const problem = checkCertificate(host, certificate, ssl.checkServerIdentity)
        onChecked?.(problem)
        return problem
      },
    }
  }

  readonly #signingCredentials = async (request: { forceRefresh: boolean }): Promise<Credentials> => {
    const found = await this.#credentials.get(request)
    this.#tokens.dropExpired()
    return found
  }
}

/** One login with a token, and what follows it. */
export class LoginAttempt {
  readonly #login: Login
  readonly #scope: TokenScope
  readonly token: AuthToken

  constructor(login: Login, { endpoint, region }: LoginTarget, user: string, token: AuthToken) {
    this.#login = login
    this.#scope = { endpoint, region, user }
    this.token = token
  }

  get user(): string {
    return this.#scope.user
  }

  /** The server refused the token: drops it, and explains the driver's error by its `cause`. */
  refused(error: object): void {
    this.#login.discard(this.#scope, this.token)
    publish('login.refused', () => ({ ...this.#scope, error }))
    setCause(error, loginRefused(this.#scope))
  }

  /** The connection was open, and is lost. */
  lost(error: unknown): void {
    const { endpoint, user } = this.#scope
    publish('connection.lost', () => ({ endpoint, user, error }))
  }
}

/** Explains a driver's error by one of ours. As with `new Error`, the cause is not enumerable. */
export function setCause(error: object, cause: RdsIamError): void {
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
}

function keyOf({ endpoint, region, user }: TokenScope): string {
  return `${endpoint.host}:${endpoint.port} ${region} ${user}`
}

function loginRefused({ endpoint, region, user }: TokenScope): RdsIamError {
  return new RdsIamError(
    'LOGIN_REFUSED',
    `${endpoint.host}:${endpoint.port} refused a token for the user "${user}" signed in ${region}. Likely causes: ` +
      'the region, the endpoint or its port is not the one that the server knows (for an alias or a tunnel, set ' +
      "iam.endpoint, with the database's port if it is not the engine's default); " +
      'IAM authentication is off on the server, or the user is not set up for it (PostgreSQL: GRANT rds_iam; ' +
      'MySQL: AWSAuthenticationPlugin); the IAM policy does not allow rds-db:connect for this user; ' +
      'the session that signed has expired; the clock of this machine is wrong',
  )
}
