import { promises as dns } from 'node:dns'
import { resolve } from 'node:path'
import type { Address } from '@rds-iam/core/internal'
import { UsageError } from '../errors'
import { addressText, requireEndpoint, type LoginOptions } from './options'

/** What a connection URL contains beside the options of a login. */
export interface UrlParts {
  token: string
  /** The CA certificates, as PEM. A URL for MySQL contains them; without them the driver uses those of Node. */
  trust?: string | undefined
  /** The file with the CA certificates. A URL for PostgreSQL names it; postgres.js does not know the parameter. */
  caFile?: string | undefined
  /** The addresses to dial in place of the endpoint: only libpq knows the parameter. */
  tunnel?: Tunnel | undefined
}

/** The endpoint's host, which the certificate must name, and the addresses to dial in its place, in this order. */
interface Tunnel {
  host: string
  addresses: string[]
}

/**
 * The tunnel for a client to use; undefined if the options dial the endpoint by its own name.
 *
 * @throws {UsageError} for MySQL, whose clients cannot dial one host and verify another.
 */
export async function tunnelOf(options: LoginOptions): Promise<Tunnel | undefined> {
  const { dial, engine } = options
  const { host } = requireEndpoint(options)
  if (host === dial.host) return undefined
  if (engine === 'mysql')
    throw new UsageError(
      `--endpoint: MySQL clients verify the name that they dial. Map ${host} to the tunnel (/etc/hosts), and give that ` +
        `name as --host, with --endpoint ${host}:PORT if the tunnel's port is not the database's`,
    )
  const found = await dns.lookup(dial.host, { all: true })
  return { host, addresses: found.map(({ address }) => address) }
}

/** A connection URL with a token as its password. It requires a verified certificate. */
export function connectionUrl(options: LoginOptions, parts: UrlParts): string {
  const { host, port } = options.dial
  const { tunnel } = parts
  // libpq takes two lists, and tries one pair of name and address after the other.
  const hosts = tunnel ? tunnel.addresses.map(() => tunnel.host) : [host]
  const query = Object.entries(options.engine === 'postgres' ? forLibpq(parts) : forMysql2(parts))
    .map(([name, value]) => `${name}=${encode(value)}`)
    .join('&')
  return `${urlOf(options, parts.token, hosts, port)}?${query}`
}

/** A connection URL for the relay of `exec`, which needs no TLS. */
export function relayUrl(
  options: LoginOptions,
  { host, port, password }: Address & { password: string },
): string {
  return urlOf(options, password, [host], port)
}

function urlOf(
  { engine, user, database }: LoginOptions,
  password: string,
  hosts: readonly string[],
  port: number,
): string {
  const scheme = engine === 'postgres' ? 'postgresql' : 'mysql'
  const addresses = hosts.map((host) => addressText({ host, port })).join(',')
  const path = database === undefined ? '' : `/${encode(database)}`
  return `${scheme}://${encode(user)}:${encode(password)}@${addresses}${path}`
}

function forLibpq({ caFile, tunnel }: UrlParts): Record<string, string> {
  return {
    sslmode: 'verify-full',
    ...(caFile !== undefined && { sslrootcert: resolve(caFile) }),
    ...(tunnel && { hostaddr: tunnel.addresses.join(',') }),
  }
}

/** The parameters of mysql2, which Node tools use: there is no standard for MySQL. */
function forMysql2({ trust }: UrlParts): Record<string, string> {
  return { ssl: JSON.stringify({ ca: trust, verifyIdentity: true }), enableCleartextPlugin: 'true' }
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
