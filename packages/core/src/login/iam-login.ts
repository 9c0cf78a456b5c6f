import type { SecureContext } from 'node:tls'
import { parseEndpoint } from '../endpoint/parse-endpoint'
import { parseAddress, type Address, type IamOptions } from '../iam-options'
import { SigningCredentials, type Credentials } from '../token/credentials'
import { RefreshingValues } from '../token/refreshing-value'
import { RefreshingToken, type AuthToken, type TokenScope } from '../token/tokens'
import { createSecureContexts } from '../tls/secure-context'
import type { SslOptions } from '../tls/ssl-option'
import { builtInTrust, type TrustedCas } from '../tls/trust'
import { RdsIamError } from '../errors'
import { publish } from '../events'
import { findTarget, type LoginTarget } from './login-target'

/** How the connections of one driver configuration log in. */
export interface IamLogin {
  /** What to dial, sign and trust when a driver dials an address. */
  target(dialled: Address): Promise<LoginTarget>
  /** The token for a target and a user. */
  token(target: LoginTarget, user: string): Promise<AuthToken>
  /** Takes note that the server refused a token; the answer goes on the `cause` of the driver's error. */
  refused(target: LoginTarget, user: string, token: AuthToken, error: unknown): RdsIamError
  /** Whom to trust, or undefined where the caller says whom. */
  trust(target: LoginTarget): TrustedCas | undefined
  /** One shared secure context for each trust. */
  secureContext(target: LoginTarget): SecureContext
  /** The caller's TLS settings. */
  ssl: SslOptions
}

/** Makes the login of one driver configuration: its tokens and its trust live as long as the configuration. */
export function createIamLogin(iam: IamOptions, ssl: SslOptions, enginePort: number): IamLogin {
  const credentials = new SigningCredentials(iam)
  const tokens = new RefreshingValues<RefreshingToken>()
  const contexts = createSecureContexts(ssl)

  async function signingCredentials(request: { forceRefresh: boolean }): Promise<Credentials> {
    const found = await credentials.get(request)
    tokens.dropExpired()
    return found
  }

  function trust({ parsed, region }: LoginTarget): TrustedCas | undefined {
    return ssl.ca || ssl.secureContext ? undefined : builtInTrust(parsed, region)
  }

  return {
    ssl,
    trust,
    target: (dialled) => findTarget(dialled, iam, enginePort),
    token({ endpoint, region }, user) {
      const scope = { endpoint, region, user }
      const key = keyOf(scope)
      const token = tokens.get(key) ?? tokens.add(key, new RefreshingToken(() => scope, signingCredentials))
      return token.get()
    },
    secureContext: (target) => contexts(trust(target)),
    refused({ endpoint, region }, user, token, error) {
      const scope = { endpoint, region, user }
      // Many logins may be refused with one token: the first one says that its credentials may be bad.
      if (tokens.get(keyOf(scope))?.discard(token)) credentials.markStale()
      publish('login.refused', () => ({ ...scope, error }))
      return loginRefused(scope)
    },
  }
}

function keyOf({ endpoint, region, user }: TokenScope): string {
  return `${endpoint.host}:${endpoint.port} ${region} ${user}`
}

/**
 * The built-in trust that can be told for a host before a connection is opened; without a region none, and
 * then no certificate is accepted.
 */
export function knownTrust(host: string, { endpoint, region }: IamOptions): TrustedCas {
  const parsed = parseEndpoint(endpoint === undefined ? host : parseAddress(endpoint, 'iam.endpoint').host)
  const { env } = process
  const known = region ?? parsed.region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'])
  try {
    return known ? builtInTrust(parsed, known) : []
  } catch {
    return []
  }
}

function loginRefused({ endpoint, region, user }: TokenScope): RdsIamError {
  return new RdsIamError(
    'LOGIN_REFUSED',
    `${endpoint.host}:${endpoint.port} refused a token for the user "${user}" signed in ${region}. Likely causes: ` +
      'the region, the endpoint or its port is not the one the server knows (an alias or a tunnel needs iam.endpoint, ' +
      "with the database's port if it is not the engine's default); " +
      'IAM authentication is off on the server, or the user is not set up for it (PostgreSQL: GRANT rds_iam; ' +
      'MySQL: AWSAuthenticationPlugin); the IAM policy does not allow rds-db:connect for this user; ' +
      'the session that signed has expired; the clock of this machine is wrong',
  )
}
