import type { IamOptions } from '../iam-options'
import {
  expectOptions,
  readLoginOptions,
  type DriverOptionNames,
  type LoginOptions,
} from '../login/login-options'
import { withoutUndefined } from '../tls/ssl-option'
import { readConnectionString } from './connection-string'

/** The options that `pgConfig` reads. All other options of pg pass through. */
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

const OPTION_NAMES: DriverOptionNames = { engine: 'postgres', passwords: ['password'], dial: 'stream' }

/**
 * Reads the options of pg, including those in the URL and in the environment.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`
 */
export function readPgOptions(options: unknown): LoginOptions & { rest: Record<string, unknown> } {
  expectOptions('pgConfig', options)
  const { iam, connectionString, ...given } = options as PgOptions
  const fromUrl = connectionString ? readConnectionString(connectionString) : {}
  const rest: Record<string, unknown> = { ...withoutUndefined(given), ...fromUrl }
  const { env } = process
  rest['host'] ??= env['PGHOST']
  rest['port'] ??= env['PGPORT'] || undefined
  rest['user'] ??= env['PGUSER']
  return { rest, ...readLoginOptions(rest, iam, OPTION_NAMES) }
}
