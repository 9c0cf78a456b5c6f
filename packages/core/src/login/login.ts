import { isIP } from 'node:net'
import type { ConnectionOptions, SecureContext } from 'node:tls'
import { isLoopback, readHost, readPort } from '../address'
import { parseEndpoint } from '../endpoint/parse-endpoint'
import type { ClusterConnection } from '../cluster/connection'
import { isRdsIamError, RdsIamError } from '../errors'
import { publish } from '../events'
import { readUser, type ClusterTarget, type IamSettings } from '../iam-options'
import { SigningCredentials, type Credentials } from '../token/credentials'
import { RefreshingValues } from '../token/refreshing-value'
import { dsqlAction, type TokenScope } from '../token/sign'
import { RefreshingToken, type AuthToken } from '../token/tokens'
import { createSecureContexts } from '../tls/secure-context'
import type { SslOptions } from '../tls/ssl-option'
import { builtInCas, type CaCertificates } from '../tls/ca-certificates'
import { checkCertificate } from '../tls/verify'
import { findTarget, type Engine, type LoginTarget } from './login-target'

/** Logs in the connections of one driver configuration, and caches their tokens. */
export class Login {
  /** The caller's TLS settings. */
  readonly ssl: SslOptions
  readonly #iam: IamSettings
  readonly #engine: Engine
  readonly #credentials: SigningCredentials
  readonly #tokens = new RefreshingValues<RefreshingToken>()
  readonly #contexts: (cas: CaCertificates | undefined) => SecureContext

  constructor(iam: IamSettings, ssl: SslOptions, engine: Engine) {
    this.ssl = ssl
    this.#iam = iam
    this.#engine = engine
    this.#credentials = new SigningCredentials(iam)
    this.#contexts = createSecureContexts(ssl)
  }

  /** Finds the login target for the address that a driver connects to. */
  async target({ host, port }: { host: unknown; port: unknown }): Promise<LoginTarget> {
    const dialled = { host: readHost(host, 'host'), port: readPort(port, 'port') }
    return findTarget(dialled, this.#iam, this.#engine)
  }

  /** The kind of server to connect to at a target. */
  roleAt({ parsed: { kind } }: LoginTarget): ClusterTarget {
    if (this.#iam.endpoint !== undefined) return 'any'
    return this.#iam.target ?? (kind === 'cluster' ? 'writer' : 'any')
  }

  /** Gets a valid token for a target and a user. */
  token({ endpoint, region }: LoginTarget, user: unknown): Promise<AuthToken> {
    const scope = { endpoint, region, user: readUser(user, 'user') }
    const key = keyOf(scope)
    const token =
      this.#tokens.get(key) ??
      this.#tokens.add(key, new RefreshingToken(() => scope, this.#signingCredentials))
    return token.get()
  }

  /** Starts a login attempt, which has the token to send. */
  async attempt(target: LoginTarget, user: unknown): Promise<LoginAttempt> {
    const token = await this.token(target, user)
    return new LoginAttempt(this, target, user as string, token)
  }

  /** Drops a token that the server refused. */
  discard(scope: TokenScope, token: AuthToken): void {
    // The server may refuse many logins with one token: mark the credentials stale only for the first.
    if (this.#tokens.get(keyOf(scope))?.discard(token)) this.#credentials.markStale()
  }

  /** The CA certificates for a target; undefined if the caller's `ssl` has its own. */
  cas({ parsed, region }: LoginTarget): CaCertificates | undefined {
    return this.ssl.ca || this.ssl.secureContext ? undefined : builtInCas(parsed, region)
  }

  /**
   * The built-in CA certificates for a configured host, before a connection is opened. Empty if the region is not
   * known: then no certificate is accepted.
   */
  configuredCas(host: string): CaCertificates {
    const parsed = parseEndpoint(this.endpointHost(host))
    const { env } = process
    const region = this.#iam.region ?? parsed.region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'])
    try {
      return region ? builtInCas(parsed, region) : []
    } catch {
      return []
    }
  }

  /** The host name to expect in the certificate of a configured host. */
  endpointHost(host: string): string {
    return this.#iam.endpoint?.host ?? host
  }

  /** Node's TLS options for a connection to a target. `ssl` overrides the configuration's TLS settings. */
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
      // Share one secure context: parsing CA certificates costs more than the rest of a login.
      secureContext: context(
        ssl.ca || ssl.secureContext ? undefined : builtInCas(target.parsed, target.region),
      ),
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

/** SQLSTATE class 28: invalid authorization specification. */
const REFUSED = /^28/

/** SQLSTATE with which Aurora DSQL refuses a token. */
const DSQL_REFUSED = '08006'

/** One login with a token. Reports when the server refuses the token, and when the connection is lost. */
export class LoginAttempt {
  readonly #login: Login
  readonly #scope: TokenScope
  readonly #connection: ClusterConnection | undefined
  readonly token: AuthToken

  constructor(login: Login, target: LoginTarget, user: string, token: AuthToken) {
    const { endpoint, region, connection } = target
    this.#login = login
    this.#scope = { endpoint, region, user }
    this.#connection = connection
    this.token = token
  }

  get user(): string {
    return this.#scope.user
  }

  /** Whether the SQLSTATE of a PostgreSQL server's error means that it refused the token. */
  isRefusal(sqlState = ''): boolean {
    const isDsql = parseEndpoint(this.#scope.endpoint.host).kind === 'dsql'
    return REFUSED.test(sqlState) || (isDsql && sqlState === DSQL_REFUSED)
  }

  /** Call when the server refused the token: drops the token and sets our explanation as the error's `cause`. */
  refused(error: object): void {
    this.#login.discard(this.#scope, this.token)
    this.#connection?.refused()
    publish('login.refused', () => ({ ...this.#scope, error }))
    setCause(error, loginRefused(this.#scope))
  }

  /** Call when the connection was lost after the login. */
  lost(error: unknown): void {
    const { endpoint, user } = this.#scope
    // A connection that we closed is not lost.
    if (isRdsIamError(error)) return
    this.#connection?.lost(error)
    publish('connection.lost', () => ({ endpoint, user, error }))
  }
}

/** Sets our error as the cause of a driver's error. As with `new Error`, the cause is not enumerable. */
export function setCause(error: object, cause: RdsIamError): void {
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
}

function keyOf({ endpoint, region, user }: TokenScope): string {
  return `${endpoint.host}:${endpoint.port} ${region} ${user}`
}

function loginRefused({ endpoint, region, user }: TokenScope): RdsIamError {
  const { kind } = parseEndpoint(endpoint.host)
  const address = kind === 'dsql' ? endpoint.host : `${endpoint.host}:${endpoint.port}`
  const causes = [
    ...(kind === 'dsql' ? dsqlCauses(user) : RDS_CAUSES),
    'the session that signed the token has expired, or AWS_SESSION_TOKEN is missing or belongs to other keys',
    'the clock of this machine is wrong',
  ]
  const search = isLoopback(endpoint.host)
    ? '@rds-iam/local prints the reason'
    : '`npx rds-iam doctor` looks for the cause'
  return new RdsIamError(
    'LOGIN_REFUSED',
    `${address} refused a token for the user "${user}" signed in ${region}. Likely causes: ${causes.join('; ')}. ${search}.`,
  )
}

const RDS_CAUSES = [
  'the region, the endpoint or its port is not the one that the server knows (for an alias or a tunnel, set ' +
    "iam.endpoint, with the database's port if it is not the engine's default)",
  'IAM authentication is off on the server, or the user is not set up for it (PostgreSQL: GRANT rds_iam; ' +
    'MySQL: AWSAuthenticationPlugin)',
  'the IAM policy does not allow rds-db:connect for this user',
]

function dsqlCauses(user: string): string[] {
  const action = dsqlAction(user)
  return [
    `the IAM policy does not allow dsql:${action} for this cluster`,
    ...(action === 'DbConnect'
      ? ["the role is not mapped to the identity (AWS IAM GRANT role TO 'arn')"]
      : []),
  ]
}
