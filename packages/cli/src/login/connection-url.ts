import { resolve } from 'node:path'
import type { LoginOptions } from './options'

/** What goes into a connection URL beyond the options of a login. */
export interface UrlParts {
  /** The token, percent-encoded here. */
  token: string
  /** Whose name the certificate must have, and the address that is dialled, where these differ (libpq alone can). */
  through?: { host: string; address: string }
  /** A file with the authorities to trust. */
  caFile?: string
}

/** A connection URL with a token for its password. */
export function connectionUrl({ engine, dial, user, database }: LoginOptions, parts: UrlParts): string {
  const { token, through, caFile } = parts
  const host = through?.host ?? dial.host
  const authority = `${encode(user)}:${encode(token)}@${host.includes(':') ? `[${host}]` : host}:${dial.port}`
  const path = database === undefined ? '' : `/${encode(database)}`
  if (engine === 'mysql') return `mysql://${authority}${path}`
  const parameters = [
    'sslmode=verify-full',
    ...(caFile === undefined ? [] : [`sslrootcert=${encode(resolve(caFile))}`]),
    ...(through ? [`hostaddr=${through.address}`] : []),
  ]
  return `postgresql://${authority}${path}?${parameters.join('&')}`
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
