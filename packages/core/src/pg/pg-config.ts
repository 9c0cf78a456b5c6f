import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import { invalidOption } from '../errors'
import { checkHost, checkIamOptions, readPort, checkUser, type IamOptions } from '../iam-options'
import { createIamLogin } from '../login/iam-login'
import { checkDialOption, checkEndpoint } from '../login/login-target'
import { readSslOption, withoutUndefined } from '../tls/ssl-option'
import { readConnectionString } from './connection-string'
import { createPassword } from './password'
import { createSsl } from './ssl'
import { createStream } from './stream'
import { watchPool } from './watch-pool'

/** What {@link pgConfig} reads of its options; every other option of pg passes through. */
export interface PgOptions {
  /** The RDS endpoint, or what is dialled in its place (then `iam.endpoint` names it). Default: PGHOST. */
  host?: string | undefined
  /** Default: PGPORT, then 5432. */
  port?: number | undefined
  /** The database user. Default: PGUSER. */
  user?: string | undefined
  /** A connection URL without a password; what it says comes before the other options, as in pg. */
  connectionString?: string | undefined
  /** There is none. */
  password?: never
  /** TLS settings such as `{ ca }`. Default: the certificate authorities of the endpoint's region. */
  ssl?: unknown
  iam?: IamOptions | undefined
}

/** What {@link pgConfig} sets in place of the caller's options. */
export interface PgLogin {
  host: string
  port: number
  user: string
  /** Called by pg for each connection that is being opened. */
  password: () => Promise<string>
  /** A server's options and a client's alike, as some ORMs take either: what tells them apart is refused. */
  ssl: Omit<ConnectionOptions, 'pskCallback' | 'session'>
  stream: () => Duplex
}

/** A configuration for `new pg.Pool()` and `new pg.Client()`: the caller's own, with a login by IAM. */
export type PgConfig<T> = Omit<T, keyof PgLogin | 'iam' | 'connectionString'> & PgLogin

/**
 * Makes a configuration for pg that logs in by IAM: your options, minus the password, plus `iam`. Each new
 * connection gets a token for the host, port and user that it is opened with.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED`, at once. Connections reject with
 * `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`, `TLS_UNTRUSTED`.
 * @example
 * ```ts
 * const pool = new Pool(pgConfig({ host: 'db.abc….eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }))
 * ```
 */
export function pgConfig<T extends PgOptions>(options: T): PgConfig<T> {
  if (typeof options !== 'object' || options === null) throw invalidOption('pgConfig', 'give an object')
  const { iam: iamOption, connectionString, ...given } = options
  const fromUrl = connectionString ? readConnectionString(connectionString) : {}
  const rest: Record<string, unknown> = { ...withoutUndefined(given), ...fromUrl }

  const iam = checkIamOptions(iamOption)
  if (rest['password']) throw invalidOption('password', 'an IAM login has none: leave it out')
  const ssl = readSslOption(rest['ssl'])
  const host = checkHost(rest['host'] ?? process.env['PGHOST'], 'host')
  const port = readPort(rest['port'] ?? (process.env['PGPORT'] || 5432), 'port')
  const user = checkUser(rest['user'] ?? process.env['PGUSER'], 'user')
  checkDialOption('stream', rest['stream'], iam)
  checkEndpoint(host, iam)

  const login = createIamLogin(iam, ssl, 5432)
  const defaultSsl = createSsl(login, { host, port }, iam)
  return {
    ...rest,
    host,
    port,
    user,
    password: createPassword(login),
    ssl: defaultSsl,
    stream: rest['stream'] ?? createStream(login, user, defaultSsl),
    log: watchPool(rest['log']),
  } as unknown as PgConfig<T>
}
