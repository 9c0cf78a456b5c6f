import { startLocalRds } from '@rds-iam/local'
import { expect, it } from 'vitest'
import { checkIdentities, createIdentity, identityEnvironment } from '../../packages/local/src/iam/identity'

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }

it.each([
  ['no array', keys, 'identities must be an array'],
  ['a string', ['AKIDEXAMPLE'], 'identities must be an object'],
  [
    'an unknown name',
    [{ ...keys, session: 'x' }],
    'identities: session is unknown; known are accessKeyId, secretAccessKey, sessionToken, expiration, users, ' +
      'accountId, credentialScope, $source',
  ],
  ['no access key', [{ secretAccessKey: 'x' }], 'identities: accessKeyId must be a string'],
  [
    'an empty access key',
    [{ ...keys, accessKeyId: '' }],
    'identities: an accessKeyId must be letters and digits',
  ],
  [
    'a slash in an access key',
    [{ ...keys, accessKeyId: 'A/' }],
    'identities: an accessKeyId must be letters and digits',
  ],
  [
    'a slash before an access key',
    [{ ...keys, accessKeyId: '/A' }],
    'identities: an accessKeyId must be letters and digits',
  ],
  [
    'a long access key',
    [{ ...keys, accessKeyId: 'A'.repeat(129) }],
    'identities: an accessKeyId must be letters and digits',
  ],
  ['no secret key', [{ accessKeyId: 'AKID' }], 'identities: secretAccessKey must be a string'],
  [
    'an empty secret key',
    [{ ...keys, secretAccessKey: '' }],
    'identities: AKIDEXAMPLE has no secretAccessKey',
  ],
  [
    'a session token that is a number',
    [{ ...keys, sessionToken: 5 }],
    'identities: sessionToken must be a string',
  ],
  ['users that are a string', [{ ...keys, users: 'app' }], 'identities: users must be an array'],
  ['a user that is a number', [{ ...keys, users: [5] }], 'identities: users must be a string'],
  ['a number as the expiration', [{ ...keys, expiration: 5 }], 'identities: expiration must be a Date'],
  [
    'an invalid expiration',
    [{ ...keys, expiration: new Date(NaN) }],
    'identities: expiration must be a Date',
  ],
])('startLocalRds rejects identities with %s', async (_, identities, message) => {
  const started = startLocalRds({ engine: 'postgres', identities: identities as never })
  await expect(started).rejects.toThrow(new TypeError(message))
})

it('returns copies of identities', () => {
  const sdk = { accountId: '1', credentialScope: 'x', $source: {} }
  const given = { ...keys, sessionToken: 'session', expiration: new Date(0), users: ['app'], ...sdk }
  const [copy] = checkIdentities('identities', [given])
  expect(copy).toEqual(given)
  expect(copy).not.toBe(given)
})

it('creates identities with random keys', () => {
  const [one, other] = [createIdentity(), createIdentity()]
  expect(one).toEqual({
    accessKeyId: expect.stringMatching(/^AKIA[A-Z2-7]{16}$/) as string,
    secretAccessKey: expect.stringMatching(/^[A-Za-z0-9+/]{40}$/) as string,
  })
  expect(one.accessKeyId).not.toBe(other.accessKeyId)
  expect(one.secretAccessKey).not.toBe(other.secretAccessKey)
})

it.each([
  ['no identity', undefined, {}],
  ['an identity', keys, { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }],
  [
    'a session',
    { ...keys, sessionToken: 'session' },
    { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'session' },
  ],
])('gives the environment variables of %s', (_, identity, variables) => {
  expect(identityEnvironment(identity, 'eu-west-1')).toEqual({ ...variables, AWS_REGION: 'eu-west-1' })
})
