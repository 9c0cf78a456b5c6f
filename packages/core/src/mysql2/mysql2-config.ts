import { invalidOption } from '../errors'
import {
  checkHost,
  checkIamOptions,
  readPort,
  checkUser,
  parseAddress,
  type IamOptions,
} from '../iam-options'
import { createIamLogin } from '../login/iam-login'
import { checkDialOption, checkEndpoint } from '../login/login-target'
import { readSslOption, withoutUndefined } from '../tls/ssl-option'
import { createClearPassword, type ClearPasswordPlugin } from './clear-password'
import { createSsl, type Mysql2Ssl } from './ssl'
import { createStream } from './stream'
import { readUri } from './uri'

/** What {@link mysql2Config} reads of its options; every other option of mysql2 passes through. */
export interface Mysql2Options {
  /** The RDS endpoint, or what is dialled in its place (then `iam.endpoint` names it). */
  host?: string | undefined
  /** Default: 3306. */
  port?: number | undefined
  /** The database user. */
  user?: string | undefined
  /** A connection URL without a password; the other options come before what it says, as in mysql2. */
  uri?: string | undefined
  /** There is none. */
  password?: never
  /** TLS settings such as `{ ca }`. Default: the certificate authorities of the endpoint's region. */
  ssl?: unknown
  /** Other authentication plugins stay beside ours, `mysql_clear_password`. */
  authPlugins?: object | undefined
  iam?: IamOptions | undefined
}

/** What {@link mysql2Config} sets in place of the caller's options. */
export interface Mysql2Login {
  host: string
  port: number
  user: string
  ssl: Mysql2Ssl
  /** Called by mysql2 for each connection that is being opened. */
  authPlugins: { mysql_clear_password: ClearPasswordPlugin }
  stream: unknown
}

/** A configuration for mysql2's createPool and createConnection: the caller's own, with a login by IAM. */
export type Mysql2Config<T> = Omit<T, keyof Mysql2Login | 'iam' | 'uri'> & Mysql2Login

const PASSWORDS = ['password', 'password1', 'password2', 'password3', 'passwordSha1']

/**
 * Makes a configuration for mysql2 that logs in by IAM: your options, minus the password, plus `iam`. Each
 * new connection gets a token for the host, port and user that it is opened with.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED`, at once. Connections reject with
 * `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`, `TLS_UNTRUSTED`.
 * @example
 * ```ts
 * const pool = createPool(mysql2Config({ host: 'db.abc….eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }))
 * ```
 */
export function mysql2Config<T extends Mysql2Options>(options: T): Mysql2Config<T> {
  if (typeof options !== 'object' || options === null) throw invalidOption('mysql2Config', 'give an object')
  const { iam: iamOption, uri, ...given } = options
  const rest: Record<string, unknown> = {
    ...(uri ? readUri(uri) : {}),
    ...withoutUndefined(given),
  }

  const iam = checkIamOptions(iamOption)
  refuse(rest)
  const ssl = readSslOption(rest['ssl'])
  if (ssl.secureContext) throw invalidOption('ssl.secureContext', 'mysql2 does not know it: give ssl.ca')
  const host = checkHost(rest['host'], 'host')
  const port = readPort(rest['port'] ?? 3306, 'port')
  const user = checkUser(rest['user'], 'user')
  checkDialOption('stream', rest['stream'], iam)
  checkEndpoint(host, iam)

  const login = createIamLogin(iam, ssl, 3306)
  const sslByTrust = createSsl(login, { host, port }, iam)
  // A caller's own stream dials what it likes: then `host` of the result is only the name that mysql2 verifies.
  const named = rest['stream'] !== undefined && iam.endpoint !== undefined
  return {
    ...rest,
    host: named ? parseAddress(iam.endpoint, 'iam.endpoint').host : host,
    port,
    user,
    ssl: sslByTrust.configured,
    authPlugins: {
      ...(rest['authPlugins'] as object),
      mysql_clear_password: createClearPassword(login, named ? { host, port } : undefined),
    },
    stream: rest['stream'] ?? createStream(login, sslByTrust),
  } as unknown as Mysql2Config<T>
}

function refuse(options: Record<string, unknown>): void {
  const password = PASSWORDS.find((name) => options[name])
  if (password) throw invalidOption(password, 'an IAM login has none: leave it out')
  if (options['socketPath']) throw invalidOption('socketPath', 'IAM logins need TLS over TCP')
  if (options['authSwitchHandler'])
    throw invalidOption('authSwitchHandler', 'it would take the place of the IAM login')
  if (options['debug'])
    throw invalidOption('debug', 'mysql2 would print the token: it writes every packet to the console')
}
