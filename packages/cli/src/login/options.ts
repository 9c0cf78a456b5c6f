import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isRdsIamError, parseEndpoint } from '@rds-iam/core'
import { isLoopback, parseAddress, type Address } from '@rds-iam/core/internal'
import { pgConfig } from '@rds-iam/core/pg'
import type { Values } from '../commands'
import { messageOf } from '../message-of'
import { UsageError } from '../usage-error'
import { DEFAULT_PORTS, type Engine } from './engine'

/** Where and as whom to log in, as the options say it. */
export interface LoginOptions {
  engine: Engine
  /** What is dialled. */
  dial: Address
  /** What is signed for and verified; absent where the dialled name is nobody's endpoint. */
  endpoint?: Address
  /** Whether `--endpoint` named the endpoint. */
  endpointGiven: boolean
  user: string
  database?: string
  region?: string
  profile?: string
  /** The certificate authorities of `--ca`. */
  ca?: { file: string; pem: string }
}

/**
 * Reads the options that say where and as whom to log in.
 *
 * @throws {UsageError}
 */
export function readLoginOptions(values: Values): LoginOptions {
  const text = (name: string): string | undefined => values[name] as string | undefined
  const host = text('host')
  const user = text('user')
  if (host === undefined) throw new UsageError('--host: give what to dial')
  if (user === undefined) throw new UsageError('--user: give the database user')
  const { database, region, profile } = {
    database: text('database'),
    region: text('region'),
    profile: text('profile'),
  }
  const given = text('port')
  const engine = (text('engine') ?? (given === '3306' ? 'mysql' : 'postgres')) as Engine
  const port = given ?? DEFAULT_PORTS[engine]
  const checked = checkWithCore({ host, port, user, region, profile, endpoint: text('endpoint') })
  const dial = { host: checked.host, port: checked.port }
  const endpoint = readEndpoint(dial, text('endpoint'))
  return {
    engine,
    dial,
    ...(endpoint ? { endpoint } : {}),
    endpointGiven: text('endpoint') !== undefined,
    user,
    ...(database === undefined ? {} : { database }),
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(text('ca') === undefined ? {} : { ca: readCa(text('ca') ?? '') }),
  }
}

/** A host and a port, as they are written. */
export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The endpoint that was found or given. @throws {UsageError} where there is none. */
export function requireEndpoint({ endpoint, dial }: LoginOptions): Address {
  if (endpoint) return endpoint
  throw new UsageError(
    `--host: ${dial.host} is not the name of an RDS endpoint: name the one behind it by --endpoint`,
  )
}

function checkWithCore(options: {
  host: string
  port: number | string
  user: string
  region: string | undefined
  profile: string | undefined
  endpoint: string | undefined
}): Address {
  const { host, port, user, region, profile, endpoint } = options
  try {
    // A host that is no endpoint's name is for each command to judge.
    const iam = { region, profile, endpoint: endpoint ?? 'localhost' }
    return pgConfig({ host, port: port as number, user, iam })
  } catch (error) {
    if (!isRdsIamError(error)) throw error
    throw new UsageError(
      `--${messageOf(error)
        .replace(/^iam\./, '')
        .replace('`port`', '--port')}`,
    )
  }
}

function readEndpoint(dial: Address, given: string | undefined): Address | undefined {
  if (given === undefined) {
    const known = isLoopback(dial.host) || parseEndpoint(dial.host).kind !== 'other'
    return known ? dial : undefined
  }
  return { port: dial.port, ...parseAddress(given, '--endpoint') }
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

/** The certificates in a PEM file. */
export function splitPem(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}
