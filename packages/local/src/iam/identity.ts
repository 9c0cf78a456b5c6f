import { randomBytes } from 'node:crypto'
import { checkNames, expectArray, expectString, expectStrings } from '../checks'

/** An AWS identity that exists only for this endpoint. */
export interface TestIdentity {
  /** Access key id, as it stands in a token's credential scope. */
  accessKeyId: string
  /** Secret access key that the token's signature is checked with. */
  secretAccessKey: string
  /** Session token that tokens of this identity must carry. Default: none, and a token with one is refused. */
  sessionToken?: string
  /** Instant from which the identity is refused, whatever its tokens say. Default: never. */
  expiration?: Date
  /** Database users that this identity may log in as. Default: every user of the endpoint. */
  users?: readonly string[]
}

const NAMES: (keyof TestIdentity)[] = [
  'accessKeyId',
  'secretAccessKey',
  'sessionToken',
  'expiration',
  'users',
]

// Credentials of an AWS SDK may be given as they are.
const SDK_NAMES = ['accountId', 'credentialScope', '$source']

/** Creates an identity with a random key, without session token or expiry. */
export function createIdentity(): TestIdentity {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const suffix = Array.from(randomBytes(16), (byte) => alphabet.charAt(byte & 31)).join('')
  return { accessKeyId: `AKIA${suffix}`, secretAccessKey: randomBytes(30).toString('base64') }
}

/** Returns the environment variables with which an AWS SDK finds the identity. */
export function identityEnvironment(
  identity: TestIdentity | undefined,
  region: string,
): Record<string, string> {
  if (identity === undefined) return { AWS_REGION: region }
  return {
    AWS_ACCESS_KEY_ID: identity.accessKeyId,
    AWS_SECRET_ACCESS_KEY: identity.secretAccessKey,
    ...(identity.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: identity.sessionToken }),
    AWS_REGION: region,
  }
}

/**
 * Returns a copy of the identities.
 *
 * @throws {TypeError} when one of them could not sign a token.
 */
export function checkIdentities(name: string, value: unknown): TestIdentity[] {
  const identities = expectArray(name, value) as TestIdentity[]
  for (const identity of identities) {
    checkNames(name, identity, [...NAMES, ...SDK_NAMES])
    const { accessKeyId, secretAccessKey, sessionToken, expiration, users } = identity
    if (!/^\w{1,128}$/.test(expectString(`${name}: accessKeyId`, accessKeyId)))
      throw new TypeError(`${name}: an accessKeyId must be letters and digits`)
    expectString(`${name}: secretAccessKey`, secretAccessKey)
    if (sessionToken !== undefined) expectString(`${name}: sessionToken`, sessionToken)
    if (users !== undefined) expectStrings(`${name}: users`, users)
    if (expiration !== undefined && !(expiration instanceof Date && !Number.isNaN(expiration.getTime())))
      throw new TypeError(`${name}: expiration must be a Date`)
    if (secretAccessKey === '') throw new TypeError(`${name}: ${accessKeyId} has no secretAccessKey`)
  }
  return identities.map((identity) => ({ ...identity }))
}
