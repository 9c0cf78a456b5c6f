import { startLocalRds } from '@rds-iam/local'
import { expect, it } from 'vitest'

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
