import { randomBytes } from 'node:crypto'
import { checkNames, list, string, strings } from '../checks'

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

/** What an identity may have. */
export const IDENTITY_NAMES = Object.keys({
  accessKeyId: true,
  secretAccessKey: true,
  sessionToken: true,
  expiration: true,
  users: true,
} satisfies Record<keyof TestIdentity, true>)

/** What else credentials of an AWS SDK have, which may be given as they are. */
const NAMES_OF_SDK = ['accountId', 'credentialScope', '$source']

/** Makes an identity with a random key, without session token or expiry. */
export function createIdentity(): TestIdentity {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const suffix = Array.from(randomBytes(16), (byte) => alphabet.charAt(byte & 31)).join('')
  return { accessKeyId: `AKIA${suffix}`, secretAccessKey: randomBytes(30).toString('base64') }
}

/** Gives the environment variables with which an AWS SDK finds the identity. */
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
 * Gives a copy of the identities.
 *
 * @throws {TypeError} when one of them could not sign a token.
 */
export function checkIdentities(identities: readonly TestIdentity[]): TestIdentity[] {
  for (const identity of list('identities', identities) as TestIdentity[]) {
    checkNames('identities', identity, [...IDENTITY_NAMES, ...NAMES_OF_SDK])
    const { accessKeyId, secretAccessKey, sessionToken, expiration, users } = identity
    if (!/^\w{1,128}$/.test(string('identities: accessKeyId', accessKeyId)))
      throw new TypeError('identities: an accessKeyId is not letters and digits')
    string('identities: secretAccessKey', secretAccessKey)
    if (sessionToken !== undefined) string('identities: sessionToken', sessionToken)
    if (users !== undefined) strings('identities: users', users)
    if (expiration !== undefined && !(expiration instanceof Date && !Number.isNaN(expiration.getTime())))
      throw new TypeError('identities: expiration must be a Date')
    if (secretAccessKey === '') throw new TypeError(`identities: ${accessKeyId} has no secretAccessKey`)
  }
  return identities.map((identity) => ({ ...identity }))
}
