import { invalidOption } from '../errors'
import { readAddress, type Address } from '../address'
import { parseEndpoint } from '../endpoint/parse-endpoint'
import type { CheckedOptions, IamOptions } from '../iam-options'
import { dsqlLifetimeSeconds } from '../login/dsql-lifetime'
import { createLogin, expectOptions, readLoginOptions, type DriverOptionNames } from '../login/login-options'
import { withoutUndefined } from '../tls/ssl-option'
import { createLoginWatch } from './login-watch'
import { createSocket } from './socket'
import { readUrl } from './url'

/** The options that {@link postgresConfig} reads. All other options of postgres.js pass through. */
export interface PostgresOptions {
  /**
   * The RDS or Aurora DSQL endpoint, or several as `'host,host:port'`. To dial another host such as a tunnel, set
   * `iam.endpoint` to the endpoint. Default: PGHOST.
   */
  host?: string | undefined
  /** Alias of `host`. */
  hostname?: string | undefined
  /** Default: PGPORT, then 5432. */
  port?: number | string | undefined
  /** The database user. Default: PGUSERNAME, then PGUSER. */
  user?: string | undefined
  /** Alias of `user`. */
  username?: string | undefined
  /** Must be empty: the token is the password. */
  password?: unknown
  /** Must be empty: the token is the password. */
  pass?: unknown
  /** TLS settings such as `{ ca }`. Default: the CA certificates of the endpoint's region. */
  ssl?: unknown
  iam?: IamOptions | undefined
}

/** The options that {@link postgresConfig} sets. */
export interface PostgresLogin {
  host: string
  port: number
  user: string
  /** Called by postgres.js for each new connection. */
  password: () => string
  /** Off, because `socket` already returns connections inside verified TLS. */
  ssl: false
  /** Called by postgres.js for each new connection. */
  socket: unknown
}

const OPTION_NAMES: DriverOptionNames = {
  engine: 'postgres',
  passwords: ['password', 'pass'],
  socketPath: 'path',
  dial: 'socket',
  readHosts,
}

/** A configuration for `postgres()`: the caller's options, plus the IAM login. */
export type PostgresConfig<T> = Omit<T, keyof PostgresLogin | 'iam' | 'hostname' | 'username' | 'pass'> &
  PostgresLogin

/**
 * Creates a configuration for postgres.js that logs in by IAM. Takes postgres.js's options without the password, plus
 * `iam`. Each new connection gets a token for its host, port and user. As in `postgres()`, the first argument may be
 * a connection URL; the options override it.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED` synchronously. Queries reject with
 * `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`, `TLS_UNTRUSTED`.
 * @example
 * ```ts
 * const sql = postgres(postgresConfig({ host: 'db.abc….eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }))
 * ```
 */
export function postgresConfig<T extends PostgresOptions>(options: T & CheckedOptions<T>): PostgresConfig<T>
export function postgresConfig<T extends object = object>(
  url: string,
  options?: T & PostgresOptions & CheckedOptions<T & PostgresOptions>,
): PostgresConfig<T> & { database?: string }
export function postgresConfig(urlOrOptions: unknown, more: unknown = {}): PostgresConfig<PostgresOptions> {
  const url = typeof urlOrOptions === 'string' ? urlOrOptions : undefined
  const options = url === undefined ? urlOrOptions : more
  expectOptions('postgresConfig', options)
  const { iam, ...own } = options
  const { hostname, username, ...given } = withoutUndefined(own) as Record<string, unknown>
  const rest: Record<string, unknown> = { ...(url === undefined ? {} : readUrl(url)), ...given }
  const { env } = process
  rest['host'] = hostname ?? rest['host'] ?? env['PGHOST']
  rest['port'] ??= env['PGPORT'] || undefined
  rest['user'] ??= username ?? (env['PGUSERNAME'] || env['PGUSER'])

  const checked = readLoginOptions(rest, iam, OPTION_NAMES)
  const { addresses, user } = checked
  const login = createLogin(checked)
  const [first] = addresses
  if (parseEndpoint(checked.iam.endpoint?.host ?? first.host).kind === 'dsql') setDsqlDefaults(rest)
  const watch = createLoginWatch()
  return {
    ...rest,
    host: addresses.length === 1 ? first.host : addresses.map(({ host, port }) => `${host}:${port}`).join(),
    port: first.port,
    user,
    password: watch.password,
    ssl: false,
    socket: createSocket(login, watch, rest['socket']),
  }
}

function setDsqlDefaults(options: Record<string, unknown>): void {
  const { env } = process
  options['database'] ||= options['db'] || env['PGDATABASE'] || 'postgres'
  // postgres.js calls this function for each connection.
  if (!('max_lifetime' in options) && !env['PGMAX_LIFETIME']) options['max_lifetime'] = dsqlLifetimeSeconds
}

/** Reads the `host` option of postgres.js: one host, or several as `host,host:port`. */
function readHosts(hosts: unknown, port: number): Address[] {
  if (typeof hosts !== 'string') throw invalidOption('host', "give the endpoint's host name")
  return hosts.split(',').map((text) => {
    const address = { port, ...readAddress(text, 'host') }
    if (address.host.includes(':'))
      throw invalidOption('host', 'postgres.js cannot dial an IPv6 address: give a name')
    return address
  })
}
