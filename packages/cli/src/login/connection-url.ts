import { resolve } from 'node:path'
import { addressText, type LoginOptions } from './options'
import { tunnelHosts, type Tunnel } from './tunnel'

/** What goes into a connection URL beyond the options of a login. */
export interface UrlParts {
  /** The token, percent-encoded here. */
  token: string
  /** The CA certificates, which a URL for MySQL holds itself; without them those that Node trusts count. */
  trust?: string | undefined
  /** A file with them, which a URL for PostgreSQL names; not for postgres.js, which knows no such parameter. */
  caFile?: string | undefined
  /** What is dialled in place of the endpoint: only libpq can be told that. */
  tunnel?: Tunnel | undefined
}

/** A connection URL with a token for its password, that makes its reader verify the server. */
export function connectionUrl(options: LoginOptions, parts: UrlParts): string {
  const { engine, dial, user, database } = options
  const addresses = parts.tunnel ? tunnelHosts(parts.tunnel) : [dial.host]
  const hosts = addresses.map((host) => addressText({ host, port: dial.port })).join(',')
  const path = database === undefined ? '' : `/${encode(database)}`
  const { scheme, parameters } = engine === 'postgres' ? forLibpq(parts) : forMysql2(parts)
  const query = parameters.map(([name, value]) => `${name}=${encode(value)}`).join('&')
  return `${scheme}://${encode(user)}:${encode(parts.token)}@${hosts}${path}?${query}`
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

/** There is no standard for MySQL: these are mysql2's words, which the tools for Node use. */
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
