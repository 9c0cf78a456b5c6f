import { invalidOption } from '../errors'
import { readSslOption } from '../tls/ssl-option'

/**
 * Reads a connection URL as mysql2 does: query parameters are options, and values that are valid JSON are parsed.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`
 */
export function readUri(uri: unknown): Record<string, unknown> {
  // Do not quote the URL in the message: it may contain a password.
  if (typeof uri !== 'string' || !URL.canParse(uri)) throw invalidOption('uri', 'cannot be read: give a URL')
  const url = new URL(uri)
  if (url.protocol.startsWith('postgres'))
    throw invalidOption('uri', 'a URL of PostgreSQL: give mysql://user@host/database')
  const options: Record<string, unknown> = {}
  for (const [name, text] of url.searchParams) options[name] = readValue(text)
  const { sslmode, 'ssl-mode': sslMode, ...others } = options
  for (const word of [sslmode, sslMode]) {
    if (word !== undefined) readSslOption(String(word).toLowerCase().replaceAll('_', '-'), 'uri: sslmode')
  }
  const address = {
    host: decode(url.hostname.replace(/^\[|\]$/g, '')),
    port: url.port,
    user: decode(url.username),
    password: decode(url.password),
    database: decode(url.pathname.slice(1)),
  }
  return { ...others, ...Object.fromEntries(Object.entries(address).filter(([, value]) => value !== '')) }
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidOption('uri', 'contains an invalid percent-encoding')
  }
}
