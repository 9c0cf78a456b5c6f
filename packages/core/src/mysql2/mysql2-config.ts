import { invalidOption } from '../errors'
import type { CheckedOptions, IamOptions } from '../iam-options'
import { expectOptions, readLoginOptions, type DriverOptionNames } from '../login/login-options'
import { withoutUndefined } from '../tls/ssl-option'
import { createClearPassword, type ClearPasswordPlugin } from './clear-password'
import { createSsl, type Mysql2Ssl } from './ssl'
import { createStream } from './stream'
import { readUri } from './uri'

/** The options that {@link mysql2Config} reads. All other options of mysql2 pass through. */
export interface Mysql2Options {
  /** The RDS endpoint. To dial another host such as a tunnel, set `iam.endpoint` to the RDS endpoint. */
  host?: string | undefined
  /** Default: 3306. */
  port?: number | string | undefined
  /** The database user. */
  user?: string | undefined
  /** A connection URL without a password. As in mysql2, the other options override it. */
  uri?: string | undefined
  /** Must be empty: the token is the password. */
  password?: unknown
  /** TLS settings such as `{ ca }`. Default: the CA certificates of the endpoint's region. */
  ssl?: unknown
  /** Other authentication plugins. They are kept; `mysql_clear_password` is replaced by ours. */
  authPlugins?: object | undefined
  iam?: IamOptions | undefined
}

/** The options that {@link mysql2Config} sets. */
export interface Mysql2Login {
  host: string
  port: number
  user: string
  ssl: Mysql2Ssl
  /** Called by mysql2 for each new connection. */
  authPlugins: { mysql_clear_password: ClearPasswordPlugin }
  stream: unknown
}

/** A configuration for mysql2's createPool and createConnection: the caller's options, plus the IAM login. */
export type Mysql2Config<T> = Omit<T, keyof Mysql2Login | 'iam' | 'uri' | 'password'> & Mysql2Login

const OPTION_NAMES: DriverOptionNames = {
  engine: 'mysql',
  passwords: ['password', 'password1', 'password2', 'password3', 'passwordSha1'],
  socketPath: 'socketPath',
  dial: 'stream',
}

/**
 * Creates a configuration for mysql2 that logs in by IAM. Takes mysql2's options without the password, plus `iam`. Each
 * new connection gets a token for its host, port and user.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED` synchronously. Connections reject with
 * `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`, `TLS_UNTRUSTED`.
 * @example
 * ```ts
 * const pool = createPool(mysql2Config({ host: 'db.abc….eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }))
 * ```
 */
export function mysql2Config<T extends Mysql2Options>(options: T & CheckedOptions<T>): Mysql2Config<T> {
  expectOptions('mysql2Config', options)
  const { iam, uri, ...given } = options as Mysql2Options
  const rest: Record<string, unknown> = { ...(uri ? readUri(uri) : {}), ...withoutUndefined(given) }
  checkDriverOptions(rest)
  const { addresses, user, login, endpointHost } = readLoginOptions(rest, iam, OPTION_NAMES)
  if (login.ssl.secureContext)
    throw invalidOption('ssl.secureContext', 'mysql2 does not support it: give ssl.ca')
  const [dialled] = addresses
  const sslByCas = createSsl(login, dialled.host)
  // The caller's own stream chooses what to dial, so `host` of the result is only the name that mysql2 verifies.
  const named = rest['stream'] === undefined ? undefined : endpointHost
  return {
    ...rest,
    host: named ?? dialled.host,
    port: dialled.port,
    user,
    ssl: sslByCas.configured,
    authPlugins: {
      ...(rest['authPlugins'] as object),
      mysql_clear_password: createClearPassword(login, named === undefined ? undefined : dialled),
    },
    stream: rest['stream'] ?? createStream(login, sslByCas),
  } as unknown as Mysql2Config<T>
}

function checkDriverOptions(options: Record<string, unknown>): void {
  if (options['authSwitchHandler']) throw invalidOption('authSwitchHandler', 'it would replace the IAM login')
  if (options['debug'])
    throw invalidOption('debug', 'mysql2 would print the token: it writes every packet to the console')
}
