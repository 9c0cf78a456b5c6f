import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import { parseEndpoint } from '../endpoint/parse-endpoint'
import type { CheckedOptions } from '../iam-options'
import { dsqlLifetimeSeconds } from '../login/dsql-lifetime'
import { createLogin } from '../login/login-options'
import { createPassword } from './password'
import { readPgOptions, type PgOptions } from './pg-options'
import { createSsl } from './ssl'
import { createOnConnect } from './server-watch'
import { createStream, type StreamSettings } from './stream'
import { watchPool } from './watch-pool'

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
  const checked = readPgOptions(options)
  const { rest, addresses, user, iam } = checked
  const login = createLogin(checked)
  const endpointHost = iam.endpoint?.host
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
    log: watchPool(rest['log'], variesLifetime ? (rest['maxLifetimeSeconds'] as number) : undefined),
    onConnect: createOnConnect(rest['onConnect']),
  } as unknown as PgConfig<T>
}

function setDsqlDefaults(options: Record<string, unknown>): void {
  const { env } = process
  options['database'] ||= env['PGDATABASE'] || 'postgres'
  // Saves a round trip. Versions of pg without the option send an SSLRequest, which Aurora DSQL accepts too.
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
