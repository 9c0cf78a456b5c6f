import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import type { CheckedOptions, IamOptions } from '../iam-options'
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
   * The RDS endpoint. To dial another host such as a tunnel, set `iam.endpoint` to the RDS endpoint.
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

const OPTION_NAMES: DriverOptionNames = { enginePort: 5432, passwords: ['password'], dial: 'stream' }

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

  const { addresses, user, login } = readLoginOptions(rest, iam, OPTION_NAMES)
  const [{ host, port }] = addresses
  const ssl = createSsl(login, host)
  return {
    ...rest,
    host,
    port,
    user,
    password: createPassword(login),
    ssl,
    stream: rest['stream'] ?? createStream(login, readStreamSettings(rest, user), ssl),
    log: watchPool(rest['log']),
    onConnect: createOnConnect(rest['onConnect']),
  } as unknown as PgConfig<T>
}

function readStreamSettings(options: Record<string, unknown>, user: string): StreamSettings {
  return {
    user,
    database: (options['database'] as string | undefined) ?? process.env['PGDATABASE'],
    limitMs: Number(options['connectionTimeoutMillis'] ?? 0),
    keepAlive: options['keepAlive'] === undefined,
  }
}
