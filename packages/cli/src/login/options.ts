import { X509Certificate } from 'node:crypto'
import { parseEndpoint } from '@rds-iam/core'
import {
  DEFAULT_PORTS,
  invalidOption,
  namedEndpoint,
  otherService,
  readHost,
  readMysql2Options,
  readPgOptions,
  type Address,
  type Engine,
  type IamSettings,
  type SslOptions,
} from '@rds-iam/core/internal'
import type { Mysql2Options } from '@rds-iam/core/mysql2'
import type { PgOptions } from '@rds-iam/core/pg'
import { UsageError } from '../errors'

/** The options that an application gives to its driver, as `pgConfig` and `mysql2Config` take them. */
export interface ApplicationOptions extends PgOptions, Mysql2Options {
  /** Default: `mysql` with `uri` or port 3306, else `postgres`. MariaDB is `mysql`. */
  engine?: Engine | undefined
  /** Default for PostgreSQL: PGDATABASE, then the name of the user. */
  database?: string | undefined
}

/** Where to log in and as which user: the checked options. */
export interface LoginOptions extends Omit<IamSettings, 'endpoint'> {
  readonly engine: Engine
  /** The address to dial. */
  readonly dial: Address
  /** The RDS or Aurora DSQL endpoint to sign for and to verify. Absent if the dialled name is not an endpoint. */
  readonly endpoint?: Address | undefined
  /** Whether `--endpoint` or `iam.endpoint` named the endpoint. */
  readonly endpointGiven: boolean
  readonly user: string
  readonly database?: string | undefined
  /** The TLS settings of the application, or of `--ca`. */
  readonly ssl?: SslOptions
  /** The CA certificates of these settings, as PEM, and the file of `--ca`. */
  readonly ca?: { readonly file?: string; readonly pem: string } | undefined
  /** The environment variables that gave these options. */
  readonly variables?: readonly string[] | undefined
}

const READERS = { postgres: readPgOptions, mysql: readMysql2Options }

/**
 * Reads the options of an application as its driver's configuration does.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`
 */
export function readApplicationOptions(given: ApplicationOptions): LoginOptions {
  if (typeof given !== 'object' || given === null) throw invalidOption('options', 'give an object')
  const options = readOptions(given)
  if (options.engine === 'mysql') return options
  const usual = isDsqlLogin(options) ? 'postgres' : options.user
  return { ...options, database: options.database ?? (process.env['PGDATABASE'] || usual) }
}

/**
 * Reads the options of a login, without a default for the database.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`
 */
export function readOptions(given: ApplicationOptions): LoginOptions {
  const engine = readEngine(given)
  const { rest, addresses, user, iam, ssl } = READERS[engine](given)
  if (rest['stream'] !== undefined)
    throw invalidOption(
      'stream',
      'doctor opens its own connection: give a host and a port that lead to the database',
    )
  const { endpoint: named, ...identity } = iam
  const [{ host, port }] = addresses
  const dial = { host: readHost(host, 'host'), port }
  const endpoint = namedEndpoint(dial, iam, engine)
  if (engine === 'mysql' && isDsql((endpoint ?? dial).host))
    throw invalidOption('engine', 'Aurora DSQL speaks PostgreSQL, not MySQL')
  const { database } = rest
  const pem = ssl.ca && [ssl.ca].flat().map(String).join('\n')
  return {
    ...identity,
    engine,
    dial,
    endpoint,
    endpointGiven: named !== undefined,
    user,
    database: typeof database === 'string' ? database : undefined,
    ssl,
    ca: pem === undefined ? undefined : { pem },
  }
}

/** The endpoint that was found or given. @throws {UsageError} if there is none. */
export function requireEndpoint({ endpoint, dial }: LoginOptions): Address {
  if (endpoint) return endpoint
  const service = otherService(dial.host)
  if (service !== undefined) throw new UsageError(`--host: ${dial.host} belongs to ${service}, not to RDS`)
  throw new UsageError(
    `--host: ${dial.host} is not the name of an RDS endpoint: name the one behind it by --endpoint`,
  )
}

/** Whether a host is a cluster of Aurora DSQL. */
export function isDsql(host: string): boolean {
  return parseEndpoint(host).kind === 'dsql'
}

/** Whether a login is to a cluster of Aurora DSQL. */
export function isDsqlLogin({ endpoint, dial }: Pick<LoginOptions, 'endpoint' | 'dial'>): boolean {
  return isDsql((endpoint ?? dial).host)
}

/** A host and a port, as they are written. */
export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The certificates in a PEM file. */
export function splitPem(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}

/** Reads a certificate in PEM. Undefined if it is not one. */
export function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

/** The engine from the option `engine`, or from the other options. */
export function readEngine({ engine, connectionString, uri, host, port, iam }: ApplicationOptions): Engine {
  if (engine !== undefined && !Object.hasOwn(DEFAULT_PORTS, engine))
    throw invalidOption('engine', 'give postgres or mysql')
  const name = String(iam?.endpoint ?? host).replace(/:\d+$/, '')
  const isMysqlPort = Number(port) === DEFAULT_PORTS.mysql && !isDsql(name)
  const isMysql = !connectionString && (uri || isMysqlPort)
  const found = engine ?? (isMysql ? 'mysql' : 'postgres')
  if (found === 'mysql' && connectionString) throw invalidOption('connectionString', 'for MySQL give uri')
  if (found === 'postgres' && uri) throw invalidOption('uri', 'for PostgreSQL give connectionString')
  return found
}
