import { isIPv6 } from 'node:net'
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types'
import { invalidOption } from './errors'
import { normalizeHost } from './endpoint/parse-endpoint'

/** How to log in by IAM: everything has a default that suits an application on AWS. */
export interface IamOptions {
  /**
   * AWS region to sign for. Default: the one in the endpoint's name, then AWS_REGION, AWS_DEFAULT_REGION,
   * then the profile's region. A global endpoint's name has none: give it.
   */
  region?: string | undefined
  /**
   * The identity that signs: credentials, or a provider of them, as from `@aws-sdk/credential-providers`.
   * Default: the AWS SDK's Node provider chain (environment, shared files, SSO, web identity, container, EC2).
   */
  credentials?: AwsCredentialIdentity | AwsCredentialIdentityProvider | undefined
  /** Profile in the shared AWS files for the default chain. Not together with `credentials`. */
  profile?: string | undefined
  /**
   * `host` or `host:port` of the RDS endpoint to sign for and to check the certificate against, when the
   * dialled host is a tunnel, a load balancer, an IP address or an alias. Default port: the engine's, 5432 or 3306;
   * where the endpoint is the dialled host itself, the dialled port.
   */
  endpoint?: string | undefined
  /**
   * Finds the RDS endpoint behind a DNS alias, for each new connection, and dials it. Default: false.
   * Not together with `endpoint`.
   */
  followCname?: boolean | undefined
  /**
   * Longest wait for a token in milliseconds, credentials included. Default: 5,000 (drivers give up
   * after 10,000).
   */
  timeoutMs?: number | undefined
}

/** What {@link IamOptions} share with `createTokenProvider`'s options. */
export type IdentityOptions = Omit<IamOptions, 'endpoint' | 'followCname'>

/** A host and a port, as dialled or as signed. */
export interface Address {
  host: string
  port: number
}

export const DEFAULT_TIMEOUT_MS = 5_000
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** The names of {@link IdentityOptions}. */
export const IDENTITY_OPTIONS = ['region', 'credentials', 'profile', 'timeoutMs']
const IAM_OPTIONS = [...IDENTITY_OPTIONS, 'endpoint', 'followCname']

/** Checks `iam` as a caller gave it. */
export function checkIamOptions(iam: unknown): IamOptions {
  if (iam === undefined) return {}
  const options = checkKeys(iam, 'iam', IAM_OPTIONS)
  checkIdentityOptions(options, 'iam.')
  if (options.endpoint !== undefined) parseAddress(options.endpoint, 'iam.endpoint')
  if (options.followCname !== undefined && typeof options.followCname !== 'boolean') {
    throw invalidOption('iam.followCname', 'give true or false')
  }
  if (options.followCname && options.endpoint !== undefined) {
    throw invalidOption(
      'iam.followCname',
      'not together with iam.endpoint, which already names the RDS endpoint',
    )
  }
  return options
}

/** Checks that a value is an object with none but the known keys. */
export function checkKeys(
  value: unknown,
  name: string,
  known: readonly string[],
): Record<string, unknown> & IamOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidOption(name, 'give an object')
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    throw invalidOption(`${name}.${printable(unknown)}`, `no such option: there are ${known.join(', ')}`)
  }
  return value as Record<string, unknown> & IamOptions
}

/** Checks what `iam` and the options of `createTokenProvider` have in common. */
export function checkIdentityOptions(options: IdentityOptions, prefix: string): void {
  const { region, credentials, profile, timeoutMs } = options
  if (region !== undefined && !(typeof region === 'string' && /^[a-z0-9]+(?:-[a-z0-9]+)+$/.test(region))) {
    throw invalidOption(`${prefix}region`, "give an AWS region's name, such as us-east-1")
  }
  if (profile !== undefined && !isText(profile))
    throw invalidOption(`${prefix}profile`, "give a profile's name")
  if (credentials !== undefined) {
    if (profile !== undefined) throw invalidOption(`${prefix}profile`, 'not together with credentials')
    if (typeof credentials !== 'function') checkCredentials(credentials, `${prefix}credentials`)
  }
  if (
    timeoutMs !== undefined &&
    !(Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= LONGEST_TIMEOUT_MS)
  ) {
    throw invalidOption(
      `${prefix}timeoutMs`,
      `give a whole number of milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`,
    )
  }
}

function checkCredentials(credentials: unknown, name: string): void {
  const problem = keyProblem(credentials)
  if (problem !== undefined) {
    throw invalidOption(
      name,
      `${problem}: give a provider function, or an object with accessKeyId and secretAccessKey`,
    )
  }
}

/** Says what is wrong with the keys of an identity, without their values. */
export function keyProblem(identity: unknown): string | undefined {
  const keys = (identity ?? {}) as Partial<AwsCredentialIdentity>
  for (const name of ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const) {
    const key: unknown = keys[name]
    if (isText(key) || (name === 'sessionToken' && !key)) continue
    if (typeof key !== 'string' || key === '') return `there is no ${name}`
    return `the ${name} ${key.endsWith('\n') ? 'ends with a newline' : 'holds characters that no key has'}`
  }
  return undefined
}

/** Checks a host name or IP address; the answer is in lower case and without a trailing dot. */
export function checkHost(host: unknown, option: string): string {
  if (typeof host !== 'string' || host === '') throw invalidOption(option, "give the endpoint's host name")
  if (host.startsWith('/')) throw invalidOption(option, 'a socket path: IAM logins need TLS over TCP')
  if (host.includes('://')) throw invalidOption(option, 'a URL: give the host name alone')
  const name = normalizeHost(host.replace(/^\[(.*:.*)\]$/, '$1'))
  if (isIPv6(name) || isHostName(name)) return name
  throw invalidOption(
    option,
    /^(\[.*\]|[^:]*):\d*$/.test(name)
      ? 'give the port as `port`, not inside the host'
      : 'not a host name or an IP address',
  )
}

/** Checks a TCP port. */
export function checkPort(port: unknown, option: string, place = ''): number {
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw invalidOption(option, `give a whole number from 1 to 65535${place}`)
}

/** Reads a TCP port as drivers do, which also take digits: those of an environment variable or a URL. */
export function readPort(port: unknown, option: string, place?: string): number {
  return checkPort(typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : port, option, place)
}

/** Checks a database user's name. */
export function checkUser(user: unknown, option: string): string {
  if (isText(user)) return user
  throw invalidOption(option, 'give the database user to log in as, without control characters')
}

/** Reads `host` or `host:port`. */
export function parseAddress(text: unknown, option: string): { host: string; port?: number } {
  if (typeof text !== 'string') throw invalidOption(option, 'give host or host:port')
  if (text.includes('://')) throw invalidOption(option, 'a URL: give host or host:port')
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text)
  const [, host, port] =
    bracketed ?? (isIPv6(text) ? ['', text] : (/^([^:]*)(?::([^:]*))?$/s.exec(text) ?? ['', text]))
  const name = checkHost(host, option)
  return port === undefined
    ? { host: name }
    : { host: name, port: readPort(port, option, ' after the colon') }
}

/** Whether a value is text that can stand in a token: not empty, well-formed, no control characters. */
export function isText(value: unknown): value is string {
  return (
    typeof value === 'string' && value !== '' && value.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(value)
  )
}

function isHostName(name: string): boolean {
  if (/^[a-z0-9_][a-z0-9._-]{0,252}$/.test(name)) return true
  // Made here, not written as a literal: Unicode's tables would be read whenever this file is loaded.
  return new RegExp(String.raw`^[\p{L}\p{N}_][\p{L}\p{N}\p{M}._-]{0,252}$`, 'u').test(name)
}

function printable(key: string): string {
  return /^[\w-]{1,64}$/.test(key) ? key : '(unprintable)'
}
