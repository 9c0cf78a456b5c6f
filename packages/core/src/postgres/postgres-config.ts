import { invalidOption } from '../errors'
import {
  checkIamOptions,
  checkUser,
  parseAddress,
  readPort,
  type Address,
  type IamOptions,
} from '../iam-options'
import { createIamLogin } from '../login/iam-login'
import { checkDialOption, checkEndpoint } from '../login/login-target'
import { readSslOption, withoutUndefined } from '../tls/ssl-option'
import { createLoginWatch } from './login-watch'
import { createSocket } from './socket'
import { readUrl } from './url'

/** What {@link postgresConfig} reads of its options; every other option of postgres.js passes through. */
export interface PostgresOptions {
  /**
   * The RDS endpoint, or what is dialled in its place (then `iam.endpoint` names it); several as
   * `'host,host:port'`. Default: PGHOST.
   */
  host?: string | undefined
  /** The same. */
  hostname?: string | undefined
  /** Default: PGPORT, then 5432. */
  port?: number | undefined
  /** The database user. Default: PGUSERNAME, then PGUSER. */
  user?: string | undefined
  /** The same. */
  username?: string | undefined
  /** There is none. */
  password?: never
  /** There is none. */
  pass?: never
  /** TLS settings such as `{ ca }`. Default: the certificate authorities of the endpoint's region. */
  ssl?: unknown
  iam?: IamOptions | undefined
}

/** What {@link postgresConfig} sets in place of the caller's options. */
export interface PostgresLogin {
  host: string
  port: number
  user: string
  /** Called by postgres.js for each connection that is being opened. */
  password: () => string
  /** Off, as `socket` gives postgres.js connections that are inside verified TLS already. */
  ssl: false
  /** Called by postgres.js for each connection that it opens. */
  socket: unknown
}

/** A configuration for `postgres()`: the caller's own, with a login by IAM. */
export type PostgresConfig<T> = Omit<T, keyof PostgresLogin | 'iam' | 'hostname' | 'username' | 'pass'> &
  PostgresLogin

/**
 * Makes a configuration for postgres.js that logs in by IAM: your options, minus the password, plus `iam`. Each
 * new connection gets a token for the host, port and user that it is opened with. A connection URL may come
 * first, as in `postgres()` itself; the options come before what it says.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED`, at once. Queries reject with
 * `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`, `TLS_UNTRUSTED`.
 * @example
 * ```ts
 * const sql = postgres(postgresConfig({ host: 'db.abc….eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }))
 * ```
 */
export function postgresConfig<T extends PostgresOptions>(options: T): PostgresConfig<T>
export function postgresConfig<T extends object = object>(
  url: string,
  options?: T & PostgresOptions,
): PostgresConfig<T> & { database?: string }
export function postgresConfig(urlOrOptions: unknown, more: unknown = {}): PostgresConfig<PostgresOptions> {
  const byUrl = typeof urlOrOptions === 'string'
  const options = byUrl ? more : urlOrOptions
  if (typeof options !== 'object' || options === null) throw invalidOption('postgresConfig', 'give an object')
  const { iam: iamOption, ...own } = options as Record<string, unknown>
  const { hostname, username, ...given } = withoutUndefined(own)
  const rest: Record<string, unknown> = { ...(byUrl ? readUrl(urlOrOptions) : {}), ...given }

  const iam = checkIamOptions(iamOption)
  refuse(rest)
  const ssl = readSslOption(rest['ssl'])
  const { env } = process
  const port = readPort(rest['port'] ?? (env['PGPORT'] || 5432), 'port')
  const addresses = readHosts(hostname ?? rest['host'] ?? env['PGHOST'], port)
  const user = checkUser(rest['user'] ?? username ?? (env['PGUSERNAME'] || env['PGUSER']), 'user')
  checkDialOption('socket', rest['socket'], iam)
  for (const { host } of addresses) checkEndpoint(host, iam)

  const watch = createLoginWatch()
  const [first] = addresses as [Address]
  return {
    ...rest,
    host: addresses.length === 1 ? first.host : addresses.map(({ host, port }) => `${host}:${port}`).join(),
    port: first.port,
    user,
    password: watch.password,
    ssl: false,
    socket: createSocket(createIamLogin(iam, ssl, 5432), watch, rest['socket']),
  }
}

function refuse(options: Record<string, unknown>): void {
  const password = ['password', 'pass'].find((name) => options[name])
  if (password) throw invalidOption(password, 'an IAM login has none: leave it out')
  if (options['path']) throw invalidOption('path', 'a socket path: IAM logins need TLS over TCP')
}

function readHosts(hosts: unknown, port: number): Address[] {
  if (typeof hosts !== 'string' || hosts === '') throw invalidOption('host', "give the endpoint's host name")
  return hosts.split(',').map((text) => {
    const address = { port, ...parseAddress(text, 'host') }
    if (address.host.includes(':'))
      throw invalidOption('host', 'postgres.js dials no IPv6 address: give a name')
    return address
  })
}
