import { invalidOption } from '../errors'
import { checkHost, checkIamOptions, checkUser, readPort, type IamOptions } from '../iam-options'
import { createIamLogin } from '../login/iam-login'
import { checkDialOption, checkEndpoint } from '../login/login-target'
import { readSslOption, withoutUndefined } from '../tls/ssl-option'
import { createStream, type DialWith, type StreamCallback } from './stream'

/** What {@link mariadbConfig} reads of its options; every other option of the mariadb driver passes through. */
export interface MariadbOptions {
  /** The RDS endpoint, or what is dialled in its place (then `iam.endpoint` names it). */
  host?: string | undefined
  /** Default: 3306. */
  port?: number | undefined
  /** The database user. */
  user?: string | undefined
  /** There is none. */
  password?: never
  /** TLS settings such as `{ ca }`. Default: the certificate authorities of the endpoint's region. */
  ssl?: unknown
  /**
   * Longest wait for a connection in milliseconds, token included. Default: 10,000 in place of the driver's
   * 1,000, which is less than some credential sources need.
   */
  connectTimeout?: number | undefined
  iam?: IamOptions | undefined
}

/** What {@link mariadbConfig} sets in place of the caller's options. */
export interface MariadbLogin {
  host: string
  port: number
  user: string
  /** What each connection verifies is set by `stream`. */
  ssl: { rejectUnauthorized: true }
  connectTimeout: number
  /** Called by the driver for each connection that it opens, always with a callback, whatever its types say. */
  stream: (callback?: StreamCallback) => void
}

/** A configuration for the mariadb driver: the caller's own, with a login by IAM. */
export type MariadbConfig<T> = Omit<T, keyof MariadbLogin | 'iam' | 'password'> & MariadbLogin

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000

/**
 * Makes a configuration for the mariadb driver that logs in by IAM: your options, minus the password, plus
 * `iam`. Each new connection gets a token for the host, port and user that it is opened with.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED`, at once. Connections reject with
 * `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`, `TLS_UNTRUSTED`.
 * @example
 * ```ts
 * const pool = createPool(mariadbConfig({ host: 'db.abc….eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }))
 * ```
 */
export function mariadbConfig<T extends MariadbOptions>(options: T): MariadbConfig<T> {
  if (typeof options !== 'object' || options === null) throw invalidOption('mariadbConfig', 'give an object')
  const { iam: iamOption, ...given } = options
  const rest: Record<string, unknown> = withoutUndefined(given)

  const iam = checkIamOptions(iamOption)
  refuse(rest)
  const ssl = readSslOption(rest['ssl'])
  const host = checkHost(rest['host'], 'host')
  const port = readPort(rest['port'] ?? 3306, 'port')
  const user = checkUser(rest['user'], 'user')
  checkDialOption('stream', rest['stream'], iam)
  checkEndpoint(host, iam)

  return {
    connectTimeout: DEFAULT_CONNECT_TIMEOUT_MS,
    ...rest,
    host,
    port,
    user,
    ssl: { rejectUnauthorized: true },
    stream: createStream(createIamLogin(iam, ssl, 3306), rest['stream'] as DialWith | undefined),
  } as unknown as MariadbConfig<T>
}

function refuse(options: Record<string, unknown>): void {
  if (options['password']) throw invalidOption('password', 'an IAM login has none: leave it out')
  if (options['socketPath']) throw invalidOption('socketPath', 'IAM logins need TLS over TCP')
  if (options['stream'] !== undefined && typeof options['stream'] !== 'function') {
    throw invalidOption('stream', 'give a function')
  }
  const { logger } = options
  const network = typeof logger === 'function' || (logger as { network?: unknown } | undefined)?.network
  const printing =
    ['debug', 'debugCompress'].find((name) => options[name]) ?? (network ? 'logger' : undefined)
  if (printing) {
    throw invalidOption(
      printing,
      'it would be told every packet, and so the token: give a logger without `network`',
    )
  }
}
