import { expectArray, expectObject, expectString } from '../checks'
import type { TestIdentity } from '../iam/identity'
import type { LocalRdsConfiguration } from '../options'

/** Returns the configuration for JSON: without secrets, with dates as strings, and with null for no limit. */
export function presentConfiguration(configuration: LocalRdsConfiguration): Record<string, unknown> {
  const { identities, maxConnectionsPerSecond } = configuration
  return {
    ...configuration,
    identities: identities.map(({ accessKeyId, sessionToken, expiration, users }) => ({
      accessKeyId,
      hasSessionToken: sessionToken !== undefined,
      expiration: expiration?.toISOString() ?? null,
      users: users ?? null,
    })),
    maxConnectionsPerSecond: maxConnectionsPerSecond === Infinity ? null : maxConnectionsPerSecond,
  }
}

/**
 * Reads a change of the configuration from JSON. `configure` checks the values.
 *
 * @throws {TypeError} when it is not a JSON object. The message quotes nothing of the text, which may contain secrets.
 */
export function parseChange(text: string): Partial<LocalRdsConfiguration> {
  const change = { ...expectObject('the body', parse(text)) }
  if (change.maxConnectionsPerSecond === null) change.maxConnectionsPerSecond = Infinity
  if (change.identities !== undefined)
    change.identities = expectArray('identities', change.identities).map(identity)
  return change
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new TypeError('the body is not JSON')
  }
}

/** Reads an identity: null stands for a value that is left out. */
function identity(value: unknown): TestIdentity {
  const given = Object.entries(expectObject('identities', value)).filter(([, field]) => field !== null)
  const { expiration, ...fields } = Object.fromEntries(given)
  if (expiration === undefined) return fields as unknown as TestIdentity
  const date = new Date(expectString('identities: expiration', expiration))
  if (Number.isNaN(date.getTime()))
    throw new TypeError('identities: expiration must be a date such as 2026-01-31T12:00:00Z')
  return { ...fields, expiration: date } as unknown as TestIdentity
}
