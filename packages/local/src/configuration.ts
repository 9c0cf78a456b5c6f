import { string, strings } from './checks'
import { DEFAULT_ENDPOINTS, DEFAULT_REGION, DEFAULT_USERS } from './defaults'
import { parseEndpointName } from './endpoint-name'
import { checkIdentities, createIdentity, type TestIdentity } from './iam/identity'

/** What decides about logins, and may change while the endpoint runs. */
export interface LocalRdsConfiguration {
  /** Identities that exist. Default: one with a random key, that may be any user. */
  identities: readonly TestIdentity[]
  /** Region that tokens must be signed for. Default `'us-east-1'`. */
  region: string
  /**
   * Names that tokens may be signed for and that the certificate covers, `host` or `host:port`. A name without a port
   * stands for the listening port and for the engine's default port. Default `['localhost', '127.0.0.1']`, which a
   * given list replaces.
   */
  endpoints: readonly string[]
  /** Database users that exist. Default `['jane_doe']`. */
  users: readonly string[]
  /**
   * Milliseconds to add to the clock that tokens and identities are held against; negative is back. Default 0.
   * With 901,000 a fresh token has expired.
   */
  clockOffsetMs: number
  /**
   * Logins that are let through in any second; one above is refused as RDS refuses any, with the reason `THROTTLED`
   * in the audit alone. 0 refuses all. Default `Infinity`. AWS advises fewer than 200 a second.
   */
  maxConnectionsPerSecond: number
}

/** What a configuration has. */
export const CONFIGURATION_NAMES = Object.keys({
  identities: true,
  region: true,
  endpoints: true,
  users: true,
  clockOffsetMs: true,
  maxConnectionsPerSecond: true,
} satisfies Record<keyof LocalRdsConfiguration, true>)

/** The configuration of an endpoint that was told nothing. */
export function defaultConfiguration(): LocalRdsConfiguration {
  return {
    identities: [createIdentity()],
    region: DEFAULT_REGION,
    endpoints: DEFAULT_ENDPOINTS,
    users: DEFAULT_USERS,
    clockOffsetMs: 0,
    maxConnectionsPerSecond: Infinity,
  }
}

// Further away no date exists that could be written.
const MAX_OFFSET_MS = 100 * 365 * 86_400_000

/**
 * Gives a configuration with some of its values replaced; undefined replaces nothing, and nothing is shared.
 *
 * @throws {TypeError} with the name of the value that is wrong.
 */
export function changeConfiguration(
  current: LocalRdsConfiguration,
  change: Partial<LocalRdsConfiguration>,
): LocalRdsConfiguration {
  const {
    identities = current.identities,
    region = current.region,
    endpoints = current.endpoints,
    users = current.users,
    clockOffsetMs = current.clockOffsetMs,
    maxConnectionsPerSecond = current.maxConnectionsPerSecond,
  } = change
  if (!/^[a-z0-9-]+$/.test(string('region', region)))
    throw new TypeError(`region '${region}' is not the name of a region`)
  if (strings('users', users).length === 0 || users.some((user) => user === '' || user.includes('\0')))
    throw new TypeError('users must be a list of names, with one at least')
  if (strings('endpoints', endpoints).length === 0)
    throw new TypeError('endpoints must have one name at least')
  for (const endpoint of endpoints) parseEndpointName(endpoint)
  if (!(Math.abs(clockOffsetMs) <= MAX_OFFSET_MS))
    throw new TypeError('clockOffsetMs must be a number of milliseconds, at most a hundred years')
  if (
    maxConnectionsPerSecond !== Infinity &&
    !(Number.isInteger(maxConnectionsPerSecond) && maxConnectionsPerSecond >= 0)
  )
    throw new TypeError('maxConnectionsPerSecond must be a whole number from 0, or Infinity')
  return {
    identities: checkIdentities(identities),
    region,
    endpoints: [...endpoints],
    users: [...users],
    clockOffsetMs,
    maxConnectionsPerSecond,
  }
}
