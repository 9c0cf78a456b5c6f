import { checkNames, list, number, object, string, strings } from '../checks'
import type { LocalRdsConfiguration } from '../configuration'
import { IDENTITY_NAMES, type TestIdentity } from '../iam/identity'
import { instant, isAbsent, parse } from './json-values'

/** The configuration as JSON shows it: secrets are left out, instants are texts, and no limit is null. */
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
 * Reads a change of the configuration: an object with some of its values.
 *
 * @throws {TypeError} with the name of the value that is of another kind, or unknown. The message quotes nothing else,
 * for there may be secrets in the text.
 */
export function parseChange(text: string): Partial<LocalRdsConfiguration> {
  const change: Partial<LocalRdsConfiguration> = {}
  for (const [name, value] of Object.entries(object('the body', parse(text)))) {
    if (name === 'region') change.region = string(name, value)
    else if (name === 'endpoints') change.endpoints = strings(name, value)
    else if (name === 'users') change.users = strings(name, value)
    else if (name === 'clockOffsetMs') change.clockOffsetMs = number(name, value)
    else if (name === 'maxConnectionsPerSecond')
      change.maxConnectionsPerSecond = value === null ? Infinity : number(name, value)
    else if (name === 'identities') change.identities = list(name, value).map(identity)
    else throw new TypeError(`${name} is unknown`)
  }
  return change
}

function identity(value: unknown): TestIdentity {
  const fields = object('identities', value)
  checkNames('identities', fields, IDENTITY_NAMES)
  const { sessionToken, expiration, users } = fields
  return {
    accessKeyId: string('identities: accessKeyId', fields.accessKeyId),
    secretAccessKey: string('identities: secretAccessKey', fields.secretAccessKey),
    ...(isAbsent(sessionToken) ? {} : { sessionToken: string('identities: sessionToken', sessionToken) }),
    ...(isAbsent(expiration) ? {} : { expiration: instant('identities: expiration', expiration) }),
    ...(isAbsent(users) ? {} : { users: strings('identities: users', users) }),
  }
}
