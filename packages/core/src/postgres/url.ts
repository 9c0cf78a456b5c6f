import { invalidOption } from '../errors'
import { readSslOption } from '../tls/ssl-option'

/** The URL parameters that are settings of postgres.js. It sends all others to the server. */
const SETTINGS = [
  'max',
  'sslnegotiation',
  'idle_timeout',
  'connect_timeout',
  'max_lifetime',
  'max_pipeline',
  'backoff',
  'keep_alive',
  'prepare',
  'debug',
  'fetch_types',
  'publications',
  'target_session_attrs',
]

/**
 * Reads a connection URL as postgres.js does, except for its TLS parameters: values that would weaken verification are
 * rejected, all others mean the default.
 *
 * @throws {RdsIamError} `INVALID_OPTION`, `TLS_REQUIRED`
 */
export function readUrl(text: string): Record<string, unknown> {
  // A list of hosts is not a valid URL: parse the URL with the first host only.
  const [, before = '', hosts = '', after = ''] = /^([^/]*:\/\/(?:[^@/?]*@)?)([^/?]*)(.*)$/s.exec(text) ?? []
  const url = parseUrl(before + (hosts.split(',')[0] ?? '') + after)
  const settings: Record<string, unknown> = {}
  const connection: Record<string, string> = {}
  for (const [name, value] of url.searchParams) {
    if (name === 'ssl' || name === 'sslmode') readSslOption(value, `url: ${name}`)
    // postgres.js would send this to the server as a session parameter. Read it as the password, which is rejected.
    else if (name === 'password' || name === 'pass') settings[name] = value
    else if (SETTINGS.includes(name)) settings[name] = value !== 'false' && value !== 'disable' && value
    else connection[name] = value
  }
  const address = {
    host: decode(hosts),
    user: decode(url.username),
    password: decode(url.password),
    database: decode(url.pathname.slice(1)),
  }
  return {
    ...settings,
    ...(Object.keys(connection).length > 0 ? { connection } : {}),
    ...Object.fromEntries(Object.entries(address).filter(([, value]) => value !== '')),
  }
}

function parseUrl(text: string): URL {
  if (/^(?:mysql|mariadb)/i.test(text))
    throw invalidOption('url', 'a URL of MySQL: give postgres://user@host/database')
  // Do not quote the URL in the message: it may contain a password.
  if (!URL.canParse(text)) throw invalidOption('url', 'cannot be read: give postgres://user@host/database')
  return new URL(text)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidOption('url', 'contains an invalid percent-encoding')
  }
}
