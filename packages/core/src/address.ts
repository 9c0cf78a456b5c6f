import { isIPv4, isIPv6 } from 'node:net'
import { invalidOption } from './errors'

/** A host and a port: to dial, or to sign for. */
export interface Address {
  host: string
  port: number
}

/** An address whose port is optional. */
export interface PartialAddress {
  host: string
  port?: number
}

/**
 * Stands for a missing host in a driver configuration, so that a build without DB_HOST succeeds. A connection to it is
 * refused. Not empty: drivers would dial localhost.
 */
export const MISSING_HOST = 'missing-host.invalid'

/** Reads a host name or an IP address. The result is in lower case and without a trailing dot. */
export function readHost(host: unknown, option: string): string {
  if (typeof host !== 'string' || host === '' || host === MISSING_HOST)
    throw invalidOption(option, "missing: give the endpoint's host name")
  if (host.startsWith('/')) throw invalidOption(option, 'a socket path: IAM logins need TLS over TCP')
  if (host.includes('://')) throw invalidOption(option, 'a URL: give only the host name')
  const name = normalizeHost(host.replace(/^\[(.*:.*)\]$/, '$1'))
  if (isIPv6(name) || isHostName(name)) return name
  throw invalidOption(
    option,
    /^(\[.*\]|[^:]*):\d*$/.test(name)
      ? 'give the port as `port`, not inside the host'
      : 'not a host name or an IP address',
  )
}

/** Reads a TCP port: a number, or a string of digits as in environment variables and URLs. */
export function readPort(port: unknown, option: string, place = ''): number {
  const number = typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : port
  if (typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= 65_535) return number
  throw invalidOption(option, `give a whole number from 1 to 65535${place}`)
}

/** Reads `host` or `host:port`. */
export function readAddress(text: unknown, option: string): PartialAddress {
  if (typeof text !== 'string') throw invalidOption(option, 'give host or host:port')
  if (text.includes('://')) throw invalidOption(option, 'a URL: give host or host:port')
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text)
  const [, host, port] =
    bracketed ?? (isIPv6(text) ? ['', text] : (/^([^:]*)(?::([^:]*))?$/s.exec(text) ?? ['', text]))
  const name = readHost(host, option)
  return port === undefined
    ? { host: name }
    : { host: name, port: readPort(port, option, ' after the colon') }
}

/** Normalizes a host name for signing and comparing: lower case, no trailing dot. */
export function normalizeHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}

/** Whether a host is always this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

function isHostName(name: string): boolean {
  if (/^[a-z0-9_][a-z0-9._-]{0,252}$/.test(name)) return true
  // Create the expression here: a literal would load the Unicode tables on import.
  return new RegExp(String.raw`^[\p{L}\p{N}_][\p{L}\p{N}\p{M}._-]{0,252}$`, 'u').test(name)
}
