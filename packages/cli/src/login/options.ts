import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createTokenProvider, isRdsIamError, parseEndpoint } from '@rds-iam/core'
import {
  isLoopback,
  otherService,
  readAddress,
  type Address,
  type PartialAddress,
} from '@rds-iam/core/internal'
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

/** Where to log in and as which user: the checked options. */
export interface LoginOptions {
  readonly engine: Engine
  /** The address to dial. */
  readonly dial: Address
  /** The RDS or Aurora DSQL endpoint to sign for and to verify. Absent if the dialled name is not an RDS endpoint's. */
  readonly endpoint?: Address
  /** Whether `--endpoint` named the endpoint. */
  readonly endpointGiven: boolean
  readonly user: string
  readonly database?: string
  readonly region?: string
  readonly profile?: string
  /** The CA certificates of `--ca`. */
  readonly ca?: { readonly file: string; readonly pem: string }
}

/**
 * Checks the options of a login.
 *
 * @throws {UsageError}
 */
export function readLoginOptions(given: LoginArguments): LoginOptions {
  const { user, region, profile } = given
  if (given.host === undefined) throw new UsageError('--host: give the host to dial')
  if (user === undefined) throw new UsageError('--user: give the database user')
  const { host, port } = inUsage(() => readAddress(given.host, '--host'))
  if (port !== undefined) throw new UsageError('--host: give the port as --port')
  const named = given.endpoint === undefined ? { host } : readEndpointOption(given.endpoint)
  const dsql = isDsql(named.host)
  const isMysqlPort = given.port === String(DEFAULT_PORTS.mysql)
  const engine = given.engine ?? (isMysqlPort && !dsql ? 'mysql' : 'postgres')
  if (dsql && engine === 'mysql') throw new UsageError('--engine: Aurora DSQL speaks PostgreSQL, not MySQL')
  const database = given.database ?? (dsql ? 'postgres' : undefined)
  const dial = { host, port: given.port === undefined ? DEFAULT_PORTS[engine] : Number(given.port) }
  inUsage(() => createTokenProvider({ ...dial, user, region, profile }))
  const endpoint = readEndpoint(dial, given.endpoint, DEFAULT_PORTS[engine])
  return {
    engine,
    dial,
    ...(endpoint ? { endpoint } : {}),
    endpointGiven: given.endpoint !== undefined,
    user,
    ...(database === undefined ? {} : { database }),
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(given.ca === undefined ? {} : { ca: readCa(given.ca) }),
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

/** A host and a port, as they are written. */
export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The certificates in a PEM file. */
export function splitPem(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}

function readEndpointOption(text: string): PartialAddress {
  return inUsage(() => readAddress(text, '--endpoint'))
}

function readEndpoint(dial: Address, given: string | undefined, enginePort: number): Address | undefined {
  if (given !== undefined) {
    const { host, port } = readEndpointOption(given)
    // The port of a tunnel is not that of the endpoint: default to the engine's, like `iam.endpoint`.
    return { host, port: port ?? (host === dial.host ? dial.port : enginePort) }
  }
  return isLoopback(dial.host) || parseEndpoint(dial.host).kind !== 'other' ? dial : undefined
}

/** Reports the options that core refuses as options of the command line. */
function inUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!isRdsIamError(error) || error.option === undefined) throw error
    const option = error.option.startsWith('--') ? error.option : `--${error.option}`
    throw new UsageError(`${option}: ${error.advice}`)
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
