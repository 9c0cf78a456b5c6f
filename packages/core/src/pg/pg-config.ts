import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import { parseEndpoint } from '../endpoint/parse-endpoint'
import type { CheckedOptions, IamOptions } from '../iam-options'
import { dsqlLifetimeSeconds } from '../login/dsql-lifetime'
import { expectOptions, readLoginOptions, type DriverOptionNames } from '../login/login-options'
import { withoutUndefined } from '../tls/ssl-option'
import { readConnectionString } from './connection-string'
import { createPassword } from './password'
import { createSsl } from './ssl'
import { createOnConnect } from './server-watch'
import { createStream, type StreamSettings } from './stream'
import { watchPool } from './watch-pool'

/** The options that {@link pgConfig} reads. All other options of pg pass through. */
export interface PgOptions {
  /**
   * The RDS or Aurora DSQL endpoint. To dial another host such as a tunnel, set `iam.endpoint` to the endpoint.
   * Default: PGHOST.
   */
  host?: string | undefined
  /** Default: PGPORT, then 5432. */
  port?: number | string | undefined
  /** The database user. Default: PGUSER. */
  user?: string | undefined
  /** A connection URL without a password. As in pg, it overrides the other options. */
  connectionString?: string | undefined
  /** Must be empty: the token is the password. */
  password?: unknown
  /** TLS settings such as `{ ca }`. Default: the CA certificates of the endpoint's region. */
  ssl?: unknown
  iam?: IamOptions | undefined
}

/** The options that {@link pgConfig} sets. */
export interface PgLogin {
  host: string
  port: number
  user: string
  /** Called by pg for each new connection. */
  password: () => Promise<string>
  /** Without the options that differ between TLS clients and servers: some ORMs have one type for both. */
  ssl: Omit<ConnectionOptions, 'pskCallback' | 'session'>
  stream: () => Duplex
}

const OPTION_NAMES: DriverOptionNames = { engine: 'postgres', passwords: ['password'], dial: 'stream' }

/** A configuration for `new pg.Pool()` and `new pg.Client()`: the caller's options, plus the IAM login. */
export type PgConfig<T> = Omit<T, keyof PgLogin | 'iam' | 'connectionString'> & PgLogin

/**
 * Creates a configuration for pg that logs in by IAM. Takes pg's options without the password, plus `iam`. Each new
 * connection gets a token for its host, port and user.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `ENDPOINT_UNKNOWN`, `TLS_REQUIRED` synchronously. Connections reject with
 * `REGION_UNKNOWN`, `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`, `TLS_UNTRUSTED`.
 * @example
 * ```ts
 * const pool = new Pool(pgConfig({ host: 'db.abc….eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }))
 * ```
 */
export function pgConfig<T extends PgOptions>(options: T & CheckedOptions<T>): PgConfig<T> {
  expectOptions('pgConfig', options)
  const { iam, connectionString, ...given } = options as PgOptions
  const fromUrl = connectionString ? readConnectionString(connectionString) : {}
  const rest: Record<string, unknown> = { ...withoutUndefined(given), ...fromUrl }
  const { env } = process
  rest['host'] ??= env['PGHOST']
  rest['port'] ??= env['PGPORT'] || undefined
  rest['user'] ??= env['PGUSER']

  const { addresses, user, login, endpointHost } = readLoginOptions(rest, iam, OPTION_NAMES)
  const [{ host, port }] = addresses
  const ssl = createSsl(login, host)
  const isDsql = parseEndpoint(endpointHost ?? host).kind === 'dsql'
  const variesLifetime = isDsql && rest['maxLifetimeSeconds'] === undefined
  if (isDsql) setDsqlDefaults(rest)
  // pg sends `host` in TLS (SNI), and Aurora DSQL finds the cluster by it. Our `stream` dials the tunnel.
  const tunnel = isDsql && endpointHost !== undefined ? { host, endpointHost } : undefined
  return {
    ...rest,
    host: rest['stream'] === undefined && tunnel ? tunnel.endpointHost : host,
    port,
    user,
    password: createPassword(login),
    ssl,
    stream: rest['stream'] ?? createStream(login, readStreamSettings(rest, user, tunnel), ssl),
    log: watchPool(rest['log'], variesLifetime),
    onConnect: createOnConnect(rest['onConnect']),
  } as unknown as PgConfig<T>
}

function setDsqlDefaults(options: Record<string, unknown>): void {
  const { env } = process
  options['database'] ||= env['PGDATABASE'] || 'postgres'
  // Saves a round trip. Versions of pg without the option ask for TLS first, which Aurora DSQL accepts too.
  options['sslnegotiation'] ??= env['PGSSLNEGOTIATION'] || 'direct'
  options['maxLifetimeSeconds'] ??= dsqlLifetimeSeconds()
}

function readStreamSettings(
  options: Record<string, unknown>,
  user: string,
  tunnel: StreamSettings['tunnel'],
): StreamSettings {
  return {
    user,
    tunnel,
    database: (options['database'] as string | undefined) ?? process.env['PGDATABASE'],
    limitMs: Number(options['connectionTimeoutMillis'] ?? 0),
    keepAlive: options['keepAlive'] === undefined,
  }
}
