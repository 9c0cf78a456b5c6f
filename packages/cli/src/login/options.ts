import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { isRdsIamError, parseEndpoint } from '@rds-iam/core'
import {
  invalidOption,
  isLoopback,
  readAddress,
  readHost,
  readMysql2Options,
  readPgOptions,
  type Address,
  type IamSettings,
  type PartialAddress,
} from '@rds-iam/core/internal'
import type { Mysql2Options } from '@rds-iam/core/mysql2'
import type { PgOptions } from '@rds-iam/core/pg'
import { UsageError } from '../errors'

/** A database engine, by the name of its protocol: MariaDB speaks that of `mysql`. */
export type Engine = 'postgres' | 'mysql'

/** The default port of each engine. */
export const DEFAULT_PORTS: Readonly<Record<Engine, number>> = { postgres: 5432, mysql: 3306 }

/** The options of a login, as the command line gives them. */
export interface LoginArguments {
  host?: string
  port?: string
  user?: string
  database?: string
  engine?: Engine
  region?: string
  profile?: string
  endpoint?: string
  ca?: string
}

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
  /** The RDS endpoint to sign for and to verify. Absent if the dialled name is not an RDS endpoint's. */
  readonly endpoint?: Address
  /** Whether `--endpoint` or `iam.endpoint` named the endpoint. */
  readonly endpointGiven: boolean
  readonly user: string
  readonly database?: string
  /** The TLS settings of the application, or of `--ca`. */
  readonly ssl?: ConnectionOptions
  /** The CA certificates of these settings, as PEM, and the file of `--ca`. */
  readonly ca?: { readonly file?: string; readonly pem: string }
}

const READERS = { postgres: readPgOptions, mysql: readMysql2Options }

/**
 * Reads the options of an application as its driver's configuration does.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`
 */
export function readApplicationOptions(given: ApplicationOptions): LoginOptions {
  if (typeof given !== 'object' || given === null) throw invalidOption('options', 'give an object')
  const { database, ...options } = readOptions(given)
  const { engine, user } = options
  const found = database ?? (engine === 'postgres' ? process.env['PGDATABASE'] || user : undefined)
  return { ...options, ...(found === undefined ? {} : { database: found }) }
}

function readOptions(given: ApplicationOptions): LoginOptions {
  const engine = readEngine(given)
  const { rest, addresses, user, iam, ssl } = READERS[engine](given)
  if (rest['stream'] !== undefined)
    throw invalidOption('stream', 'doctor dials itself: give a host and a port that lead to the database')
  const { endpoint: named, ...identity } = iam
  const [{ host, port }] = addresses
  const dial = { host: readHost(host, 'host'), port }
  const endpoint = named ? withPort(named, dial, engine) : endpointAt(dial, identity)
  const { database } = rest
  const pem = pemOf(ssl.ca)
  return {
    ...identity,
    engine,
    dial,
    ...(endpoint ? { endpoint } : {}),
    endpointGiven: named !== undefined,
    user,
    ...(typeof database === 'string' ? { database } : {}),
    ssl,
    ...(pem === undefined ? {} : { ca: { pem } }),
  }
}

/**
 * Reads the options of the command line.
 *
 * @throws {UsageError}
 */
export function readLoginOptions(given: LoginArguments): LoginOptions {
  const { host, user, database, region, profile, endpoint } = given
  if (host === undefined) throw new UsageError('--host: give the host to dial')
  if (user === undefined) throw new UsageError('--user: give the database user')
  const engine = given.engine ?? (given.port === String(DEFAULT_PORTS.mysql) ? 'mysql' : 'postgres')
  const port = given.port ?? DEFAULT_PORTS[engine]
  const ca = given.ca === undefined ? undefined : readCa(given.ca)
  return inUsage(() => {
    if (readAddress(host, 'host').port !== undefined) throw invalidOption('host', 'give the port as --port')
    const ssl = ca && { ca: ca.pem }
    const login = { engine, host, port, user, database, ssl, iam: { region, profile, endpoint } }
    return { ...readOptions(login), ...(ca ? { ca } : {}) }
  })
}

/** The endpoint that was found or given. @throws {UsageError} if there is none. */
export function requireEndpoint({ endpoint, dial }: LoginOptions): Address {
  if (endpoint) return endpoint
  throw new UsageError(
    `--host: ${dial.host} is not the name of an RDS endpoint: name the one behind it by --endpoint`,
  )
}

/** A host and a port, as they are written. */
export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The certificates in a PEM file. */
export function splitPem(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}

function readEngine({ engine, connectionString, uri, port }: ApplicationOptions): Engine {
  if (engine !== undefined && !(engine in DEFAULT_PORTS))
    throw invalidOption('engine', 'give postgres or mysql')
  const isMysql =
    connectionString === undefined && (uri !== undefined || Number(port) === DEFAULT_PORTS.mysql)
  const found = engine ?? (isMysql ? 'mysql' : 'postgres')
  const [url, other] = found === 'mysql' ? ['uri', 'connectionString'] : ['connectionString', 'uri']
  if ((found === 'mysql' ? connectionString : uri) !== undefined)
    throw invalidOption(other, `not for the engine ${found}: give ${url}`)
  return found
}

/** The endpoint of `iam.endpoint`. The port of a tunnel is not that of the endpoint: default to the engine's. */
function withPort({ host, port }: PartialAddress, dial: Address, engine: Engine): Address {
  return { host, port: port ?? (host === dial.host ? dial.port : DEFAULT_PORTS[engine]) }
}

/** The dialled address, if it is that of the RDS endpoint to sign for. */
function endpointAt(dial: Address, { followCname, region }: IamSettings): Address | undefined {
  const { kind } = parseEndpoint(dial.host)
  const isAlias = kind === 'other' || (kind === 'global' && followCname && region === undefined)
  return isLoopback(dial.host) || !isAlias ? dial : undefined
}

function pemOf(ca: ConnectionOptions['ca']): string | undefined {
  return ca && [ca].flat().map(String).join('\n')
}

/** Reports the options that core refuses as options of the command line. */
function inUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!isRdsIamError(error) || error.option === undefined) throw error
    throw new UsageError(`--${error.option.replace(/^iam\./, '')}: ${error.advice}`)
  }
}

function readCa(file: string): { file: string; pem: string } {
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`--ca: ${(error as NodeJS.ErrnoException).code}: ${file} cannot be read`)
  }
  const certificates = splitPem(pem)
  if (certificates.length === 0) throw new UsageError(`--ca: there is no certificate in ${file}`)
  try {
    for (const certificate of certificates) void new X509Certificate(certificate)
  } catch {
    throw new UsageError(`--ca: a certificate in ${file} cannot be read`)
  }
  return { file, pem }
}
