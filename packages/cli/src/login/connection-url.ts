import { resolve } from 'node:path'
import type { LoginOptions } from './options'

/** What goes into a connection URL beyond the options of a login. */
export interface UrlParts {
  /** The token, percent-encoded here. */
  token: string
  /** The authorities to trust: a URL of MySQL holds them itself. */
  trust: string
  /** A file with them, which a URL of PostgreSQL names. */
  caFile?: string | undefined
  /** Whose name the certificate must have, and the address that is dialled, where these differ (libpq alone can). */
  tunnel?: { host: string; address: string } | undefined
}

/** A connection URL with a token for its password, that makes its reader verify the server. */
export function connectionUrl(options: LoginOptions, parts: UrlParts): string {
  const { engine, dial, user, database } = options
  const host = (engine === 'postgres' ? parts.tunnel?.host : undefined) ?? dial.host
  const address = `${host.includes(':') ? `[${host}]` : host}:${dial.port}`
  const path = database === undefined ? '' : `/${encode(database)}`
  const { scheme, parameters } = engine === 'postgres' ? forLibpq(parts) : forMysql2(parts)
  const query = parameters.map(([name, value]) => `${name}=${encode(value)}`).join('&')
  return `${scheme}://${encode(user)}:${encode(parts.token)}@${address}${path}?${query}`
}

interface Dialect {
  scheme: string
  parameters: [name: string, value: string][]
}

function forLibpq({ caFile, tunnel }: UrlParts): Dialect {
  const parameters: Dialect['parameters'] = [['sslmode', 'verify-full']]
  if (caFile !== undefined) parameters.push(['sslrootcert', resolve(caFile)])
  if (tunnel) parameters.push(['hostaddr', tunnel.address])
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
