import type { ConnectionOptions } from 'pg-connection-string'
import { invalidOption } from '../errors'
import { readSslOption, withoutUndefined, type SslOptions } from '../tls/ssl-option'

/**
 * Reads a connection URL as pg does, except for its TLS parameters: values that would weaken verification are
 * rejected, all others mean the default.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`
 */
export function readConnectionString(connectionString: unknown): Record<string, unknown> {
  if (typeof connectionString !== 'string') throw invalidOption('connectionString', 'give a URL')
  if (/^(?:mysql|mariadb)/i.test(connectionString)) {
    throw invalidOption('connectionString', 'a URL of MySQL: give postgres://user@host/database')
  }
  const [address = '', query = ''] = splitOnce(connectionString, '?')
  const parameters = new URLSearchParams(query)
  for (const name of ['sslmode', 'ssl']) {
    const word = parameters.get(name)
    if (word !== null) readSslOption(word, `connectionString: ${name}`)
    parameters.delete(name)
  }
  parameters.delete('uselibpqcompat')

  const { ssl, ...parsed } = parseUrl(`${address}?${parameters}`, parameters)
  const given = Object.fromEntries(
    Object.entries(withoutUndefined(parsed)).filter(([, value]) => value !== null && value !== ''),
  )
  // `ssl` now has only the contents of files: sslrootcert, sslcert and sslkey.
  return typeof ssl === 'object' && Object.keys(ssl).length > 0 ? { ...given, ssl: ssl as SslOptions } : given
}

function parseUrl(url: string, parameters: URLSearchParams): ConnectionOptions {
  const { parse } = require('pg-connection-string') as typeof import('pg-connection-string')
  try {
    return parse(url)
  } catch (error) {
    // Do not quote the parser's message: it may contain the URL and its password.
    const { code, path } = error as NodeJS.ErrnoException
    const file = ['sslrootcert', 'sslcert', 'sslkey'].find((name) => path && parameters.get(name) === path)
    const problem = file ? `${file}: the file ${path} cannot be read` : 'cannot be read'
    throw invalidOption('connectionString', `${problem}${code ? ` (${code})` : ''}`)
  }
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
