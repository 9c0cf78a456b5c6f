import { resolve } from 'node:path'
import type { Address } from '@rds-iam/core/internal'
import { addressText, type LoginOptions } from './options'
import { tunnelHosts, type Tunnel } from './tunnel'

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

/** A connection URL with a token as its password. It requires a verified certificate. */
export function connectionUrl(options: LoginOptions, parts: UrlParts): string {
  const { engine, dial, user, database } = options
  const addresses = parts.tunnel ? tunnelHosts(parts.tunnel) : [dial.host]
  const hosts = addresses.map((host) => addressText({ host, port: dial.port })).join(',')
  const path = database === undefined ? '' : `/${encode(database)}`
  const { scheme, parameters } = engine === 'postgres' ? forLibpq(parts) : forMysql2(parts)
  const query = parameters.map(([name, value]) => `${name}=${encode(value)}`).join('&')
  return `${scheme}://${encode(user)}:${encode(parts.token)}@${hosts}${path}?${query}`
}

/** A connection URL for the relay of `exec`, which needs no TLS. */
export function relayUrl(
  { engine, user, database }: LoginOptions,
  { host, port, password }: Address & { password: string },
): string {
  const path = database === undefined ? '' : `/${encode(database)}`
  const scheme = engine === 'postgres' ? 'postgresql' : 'mysql'
  return `${scheme}://${encode(user)}:${password}@${addressText({ host, port })}${path}`
}

interface Dialect {
  scheme: string
  parameters: [name: string, value: string][]
}

function forLibpq({ caFile, tunnel }: UrlParts): Dialect {
  const parameters: Dialect['parameters'] = [['sslmode', 'verify-full']]
  if (caFile !== undefined) parameters.push(['sslrootcert', resolve(caFile)])
  if (tunnel) parameters.push(['hostaddr', tunnel.addresses.join(',')])
  return { scheme: 'postgresql', parameters }
}

/** The parameters of mysql2, which Node tools use: there is no standard for MySQL. */
function forMysql2({ trust }: UrlParts): Dialect {
  return {
    scheme: 'mysql',
    parameters: [
      ['ssl', JSON.stringify({ ca: trust, verifyIdentity: true })],
      ['enableCleartextPlugin', 'true'],
    ],
  }
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
