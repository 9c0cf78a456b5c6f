import { invalidOption } from '../errors'
import type { CheckedOptions, IamOptions } from '../iam-options'
import { createLogin, expectOptions, readLoginOptions, type DriverOptionNames } from '../login/login-options'
import { withoutUndefined } from '../tls/ssl-option'
import { createStream, type DialWith, type StreamCallback } from './stream'

/** The options that {@link mariadbConfig} reads. All other options of the mariadb driver pass through. */
export interface MariadbOptions {
  /** The RDS endpoint. To dial another host such as a tunnel, set `iam.endpoint` to the RDS endpoint. */
  host?: string | undefined
  /** Default: 3306. */
  port?: number | string | undefined
  /** The database user. */
  user?: string | undefined
  /** Must be empty: the token is the password. */
  password?: unknown
  /** TLS settings such as `{ ca }`. Default: the CA certificates of the endpoint's region. */
  ssl?: unknown
  /**
   * Longest wait for a connection in milliseconds, token included. Default: 10,000. The driver's own default, 1,000,
   * is too short for some credential sources.
   */
  connectTimeout?: number | undefined
  iam?: IamOptions | undefined
}

/** The options that {@link mariadbConfig} sets. */
export interface MariadbLogin {
  host: string
  port: number
  user: string
  /** `stream` replaces this with the TLS options of each connection. */
  ssl: { rejectUnauthorized: true }
  connectTimeout: number
  /** Called by the driver for each new connection, always with a callback (which is optional in the driver's types). */
  stream: (callback?: StreamCallback) => void
}

/** A configuration for the mariadb driver: the caller's options, plus the IAM login. */
export type MariadbConfig<T> = Omit<T, keyof MariadbLogin | 'iam' | 'password'> & MariadbLogin

const OPTION_NAMES: DriverOptionNames = {
  engine: 'mysql',
  passwords: ['password'],
  socketPath: 'socketPath',
  dial: 'stream',
}

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000

/**
 * Creates a configuration for the mariadb driver that logs in by IAM. Takes the driver's options without the password,
 * plus `iam`. Each new connection gets a token for its host, port and user.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED` synchronously. Connections reject with
 * `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`, `TLS_UNTRUSTED`.
 * @example
 * ```ts
 * const pool = createPool(mariadbConfig({ host: 'db.abc….eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }))
 * ```
 */
export function mariadbConfig<T extends MariadbOptions>(options: T & CheckedOptions<T>): MariadbConfig<T> {
  expectOptions('mariadbConfig', options)
  const { iam, ...given } = options as MariadbOptions
  const rest: Record<string, unknown> = withoutUndefined(given)
  checkDriverOptions(rest)
  const checked = readLoginOptions(rest, iam, OPTION_NAMES)
  const { addresses, user } = checked
  const login = createLogin(checked)
  const [{ host, port }] = addresses
  return {
    connectTimeout: DEFAULT_CONNECT_TIMEOUT_MS,
    ...rest,
    host,
    port,
    user,
    ssl: { rejectUnauthorized: true },
    stream: createStream(login, rest['stream'] as DialWith | undefined),
  } as unknown as MariadbConfig<T>
}

function checkDriverOptions(options: Record<string, unknown>): void {
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
      'it would receive every packet, including the token: give a logger without `network`',
    )
  }
}
