import { invalidOption } from '../errors'
import type { IamOptions } from '../iam-options'
import {
  expectOptions,
  readLoginOptions,
  type DriverOptionNames,
  type LoginOptions,
} from '../login/login-options'
import { withoutUndefined } from '../tls/ssl-option'
import { readUri } from './uri'

/** The options that `mysql2Config` reads. All other options of mysql2 pass through. */
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
  /** Other authentication plugins. They are kept, except for `mysql_clear_password`, which ours replaces. */
  authPlugins?: object | undefined
  iam?: IamOptions | undefined
}

const OPTION_NAMES: DriverOptionNames = {
  engine: 'mysql',
  passwords: ['password', 'password1', 'password2', 'password3', 'passwordSha1'],
  socketPath: 'socketPath',
  dial: 'stream',
}

/**
 * Reads the options of mysql2, including those in the URL.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`
 */
export function readMysql2Options(options: unknown): LoginOptions & { rest: Record<string, unknown> } {
  expectOptions('mysql2Config', options)
  const { iam, uri, ...given } = options as Mysql2Options
  const rest: Record<string, unknown> = { ...(uri ? readUri(uri) : {}), ...withoutUndefined(given) }
  checkDriverOptions(rest)
  const read = readLoginOptions(rest, iam, OPTION_NAMES)
  if (read.ssl.secureContext)
    throw invalidOption('ssl.secureContext', 'mysql2 does not support it: give ssl.ca')
  return { rest, ...read }
}

function checkDriverOptions(options: Record<string, unknown>): void {
  if (options['authSwitchHandler']) throw invalidOption('authSwitchHandler', 'it would replace the IAM login')
  if (options['debug'])
    throw invalidOption('debug', 'mysql2 would print the token: it writes every packet to the console')
}
