import { createTokenProvider } from '@rds-iam/core'
import {
  verifyToken,
  type RefusalReason,
  type TestIdentity,
  type TokenExpectations,
  type Verdict,
} from '@rds-iam/local'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { sameSecret } from '../../packages/local/src/iam/signature'
import { parseCredential, parseSigningDate, parseToken } from '../../packages/local/src/iam/token'
import { dsqlTokenVectors, identityOf, tokenVectors, type TokenVector } from '../vectors/tokens'

function expectationsOf(vector: TokenVector): TokenExpectations {
  return {
    user: vector.user,
    users: [vector.user],
    endpoints: [{ host: vector.host.toLowerCase(), ports: [vector.port] }],
    region: vector.region,
    identities: [identityOf(vector)],
  }
}

function secondsAfter(vector: TokenVector, seconds: number): Date {
  return new Date(Date.parse(vector.time) + seconds * 1000)
}

/** Verifies a vector's token, or another one in its place, a minute after it was signed. */
function verify(vector: TokenVector, token = vector.token, changes: Partial<TokenExpectations> = {}) {
  return verifyToken(token, { ...expectationsOf(vector), ...changes }, secondsAfter(vector, 60))
}

/** The detail of a refusal, which the snapshot records. */
const detailOf = (verdict: Verdict) => (verdict.accepted ? undefined : verdict.detail)

const plain = tokenVectors.find(({ user, sessionToken }) => user === 'jane_doe' && sessionToken === null)!
const withSession = tokenVectors.find(({ sessionToken }) => sessionToken !== null)!

afterEach(() => void vi.useRealTimers())

test('has twenty vectors', () => expect(tokenVectors).toHaveLength(20))

describe.each(tokenVectors)('the token of $user at $host:$port', (vector) => {
  test('is accepted', () => {
    expect(verify(vector)).toEqual({ accepted: true, accessKeyId: vector.accessKeyId })
  })

  test("is accepted with its parameters in reverse order, or without a slash as Go's signer makes it", () => {
    const [start = '', query = ''] = vector.token.split('/?')
    expect(verify(vector, `${start}/?${query.split('&').reverse().join('&')}`).accepted).toBe(true)
    expect(verify(vector, `${start}?${query}`).accepted).toBe(true)
  })

  test('is refused without a slash when the endpoint requires one', () => {
    expect(verify(vector, vector.token.replace('/?', '?'), { requireSlash: true })).toMatchObject({
      reason: 'SLASH_MISSING',
    })
    expect(verify(vector, vector.token, { requireSlash: true }).accepted).toBe(true)
  })

  test('is accepted from five minutes before to fifteen minutes after its date', () => {
    const at = (seconds: number) => {
      const verdict = verifyToken(vector.token, expectationsOf(vector), secondsAfter(vector, seconds))
      return verdict.accepted ? 'accepted' : verdict.reason
    }
    expect([-301, -300, 0, 900, 901].map(at)).toEqual([
      'NOT_YET_VALID',
      'accepted',
      'accepted',
      'accepted',
      'TOKEN_EXPIRED',
    ])
  })

  test('is refused when another secret signed it', () => {
    const identities = [{ ...identityOf(vector), secretAccessKey: `${vector.secretAccessKey}x` }]
    expect(verify(vector, vector.token, { identities })).toMatchObject({ reason: 'SIGNATURE_MISMATCH' })
  })
})

describe.each(dsqlTokenVectors)('the DSQL token of $user at $host', (vector) => {
  const dsql = { service: 'dsql' } as const
  const other = vector.user === 'admin' ? 'app' : 'admin'

  test('is accepted, also when the host is in upper case', () => {
    const accepted = { accepted: true, accessKeyId: vector.accessKeyId }
    expect(verify(vector, vector.token, dsql)).toEqual(accepted)
    expect(verify(vector, vector.token.replace(vector.host, vector.host.toUpperCase()), dsql)).toEqual(
      accepted,
    )
  })

  test.each<[string, (token: string) => string, RefusalReason]>([
    ['names a port', (token) => token.replace('/?', ':5432/?'), 'PORT_MISMATCH'],
    ['names another host', (token) => `x${token}`, 'HOST_MISMATCH'],
    ['names a user', (token) => `${token}&DBUser=${vector.user}`, 'PARAMETER_UNKNOWN'],
    [
      'is for the other action',
      (token) => token.replace(/DbConnect(?:Admin)?/, swapAction),
      'ACTION_MISMATCH',
    ],
    [
      'is for another service',
      (token) => token.replace('%2Fdsql%2F', '%2Frds-db%2F'),
      'CREDENTIAL_MALFORMED',
    ],
    [
      'has another signature',
      (token) => token.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
      'SIGNATURE_MISMATCH',
    ],
    [
      'is valid for longer than a week',
      (token) => token.replace('Expires=900', 'Expires=604801'),
      'EXPIRES_INVALID',
    ],
  ])('is refused when it %s', (_, tamper, reason) => {
    expect(verify(vector, tamper(vector.token), dsql)).toMatchObject({ accepted: false, reason })
  })

  test('is refused for a user that needs the other action, and by RDS', () => {
    const changes = { ...dsql, user: other, users: [other] }
    expect(verify(vector, vector.token, changes)).toMatchObject({ reason: 'ACTION_MISMATCH' })
    expect(verify(vector)).toMatchObject({ reason: 'MALFORMED_TOKEN' })
  })
})

const swapAction = (action: string) => (action === 'DbConnect' ? 'DbConnectAdmin' : 'DbConnect')

test.each(tokenVectors)('the RDS token of $user at $host:$port is refused by DSQL', (vector) => {
  expect(verify(vector, vector.token, { service: 'dsql' }).accepted).toBe(false)
})

describe('a token that was tampered with', () => {
  const set = (name: string, value: string) => (token: string) =>
    token.replace(new RegExp(`([?&]${name}=)[^&]*`), (_, before: string) => before + value)
  const credential = (key: string, date: string, region: string, service = 'rds-db', end = 'aws4_request') =>
    set('X-Amz-Credential', [key, date, region, service, end].join('%2F'))
  const { accessKeyId, region } = plain

  const cases: [string, (token: string) => string, RefusalReason][] = [
    ['is empty', () => '', 'MALFORMED_TOKEN'],
    ['is an ordinary password', () => 'correct horse battery staple', 'MALFORMED_TOKEN'],
    ['has a scheme', (token) => `https://${token}`, 'MALFORMED_TOKEN'],
    ['has a path', (token) => token.replace('/?', '/x?'), 'MALFORMED_TOKEN'],
    ['has no port', (token) => token.replace(/:\d+/, ''), 'MALFORMED_TOKEN'],
    ['has no query', (token) => token.replace(/\?.*/, '?'), 'MALFORMED_TOKEN'],
    ['has a broken escape', (token) => token.replace('%2F', '%zz'), 'MALFORMED_TOKEN'],
    ['has an escape that is no UTF-8', set('DBUser', '%ff'), 'MALFORMED_TOKEN'],
    ['has a line break', (token) => `${token}\n`, 'MALFORMED_TOKEN'],
    ['names another host', (token) => token.replace('mydb', 'other'), 'HOST_MISMATCH'],
    ['names a host that ours begins', (token) => token.replace(':', '.example.com:'), 'HOST_MISMATCH'],
    ['names another port', (token) => token.replace(/:\d+/, ':5433'), 'PORT_MISMATCH'],
    ['has another action', set('Action', 'describe'), 'ACTION_MISMATCH'],
    ['has another user', set('DBUser', 'postgres'), 'USER_MISMATCH'],
    ['has an upper-case user', set('DBUser', 'JANE_DOE'), 'USER_MISMATCH'],
    ['has another algorithm', set('X-Amz-Algorithm', 'AWS4-ECDSA-P256-SHA256'), 'ALGORITHM_MISMATCH'],
    ['has an unknown key', credential('AKIDOTHER', '20161107', region), 'KEY_UNKNOWN'],
    ['has another day in its scope', credential(accessKeyId, '20161106', region), 'DATE_MISMATCH'],
    ['has another region', credential(accessKeyId, '20161107', 'eu-west-1'), 'REGION_MISMATCH'],
    ['has another service', credential(accessKeyId, '20161107', region, 'rds'), 'CREDENTIAL_MALFORMED'],
    [
      'has another end',
      credential(accessKeyId, '20161107', region, 'rds-db', 'aws5'),
      'CREDENTIAL_MALFORMED',
    ],
    ['has no scope', set('X-Amz-Credential', accessKeyId), 'CREDENTIAL_MALFORMED'],
    ['was signed a second later', set('X-Amz-Date', '20161107T173934Z'), 'SIGNATURE_MISMATCH'],
    ['was signed on a day that does not exist', set('X-Amz-Date', '20161131T173933Z'), 'DATE_MALFORMED'],
    ['has another form of date', set('X-Amz-Date', '2016-11-07T17:39:33Z'), 'DATE_MALFORMED'],
    ['is to last a second less', set('X-Amz-Expires', '899'), 'SIGNATURE_MISMATCH'],
    ['is to last longer', set('X-Amz-Expires', '901'), 'EXPIRES_INVALID'],
    ['is to last for ever', set('X-Amz-Expires', '604800'), 'EXPIRES_INVALID'],
    ['is to last no time', set('X-Amz-Expires', '0'), 'EXPIRES_INVALID'],
    ['is to last a negative time', set('X-Amz-Expires', '-900'), 'EXPIRES_INVALID'],
    ['is to last a fraction', set('X-Amz-Expires', '1.5'), 'EXPIRES_INVALID'],
    ['signs another header', set('X-Amz-SignedHeaders', 'host%3Bx'), 'SIGNED_HEADERS_MISMATCH'],
    ['has a session token', (token) => `${token}&X-Amz-Security-Token=x`, 'SESSION_TOKEN_UNEXPECTED'],
    ['has an unknown parameter', (token) => `${token}&X-Amz-Extra=x`, 'PARAMETER_UNKNOWN'],
    ['has a foreign parameter', (token) => `${token}&a=b`, 'PARAMETER_UNKNOWN'],
    ['has a parameter twice', (token) => `${token}&Action=connect`, 'PARAMETER_DUPLICATED'],
    [
      'has an upper-case signature',
      (token) => token.replace(/[0-9a-f]+$/, (hex) => hex.toUpperCase()),
      'SIGNATURE_MISMATCH',
    ],
    ['has a cut signature', (token) => token.slice(0, -1), 'SIGNATURE_MISMATCH'],
    ['has an empty signature', set('X-Amz-Signature', ''), 'SIGNATURE_MISMATCH'],
  ]

  test.each(cases)('and %s', (_, tamper, reason) => {
    const token = tamper(plain.token)
    expect(token).not.toBe(plain.token)
    const verdict = verify(plain, token)
    expect(verdict).toMatchObject({ accepted: false, reason })
    expect(detailOf(verdict)).toMatchSnapshot()
  })

  const names = [...new URL(`https://${withSession.token}`).searchParams.keys()]
  test.each(names)('and lacks %s', (name) => {
    const token = withSession.token.replace(new RegExp(`(?<=[?&])${name}=[^&]*&?`), '').replace(/&$/, '')
    const reason = name === 'X-Amz-Security-Token' ? 'SESSION_TOKEN_MISSING' : 'PARAMETER_MISSING'
    const verdict = verify(withSession, token)
    expect(verdict).toMatchObject({ reason })
    expect(detailOf(verdict)).toMatchSnapshot()
  })

  test('and has another session token', () => {
    const token = withSession.token.replace(/(X-Amz-Security-Token=)\w/, '$1_')
    expect(verify(withSession, token)).toMatchObject({ reason: 'SESSION_TOKEN_MISMATCH' })
  })
})

describe('an identity', () => {
  const verifyWith = (changes: Partial<TestIdentity>) =>
    verify(plain, plain.token, { identities: [{ ...identityOf(plain), ...changes }] })

  test('is refused after its expiration, even with a fresh token', () => {
    expect(verifyWith({ expiration: secondsAfter(plain, 60) })).toMatchObject({ reason: 'IDENTITY_EXPIRED' })
    expect(verifyWith({ expiration: secondsAfter(plain, 61) }).accepted).toBe(true)
  })

  test('may log in only as the users that it names', () => {
    expect(verifyWith({ users: ['someone'] })).toMatchObject({ reason: 'USER_NOT_ALLOWED' })
    expect(verifyWith({ users: ['someone', plain.user] }).accepted).toBe(true)
  })

  test('is refused as KEY_UNKNOWN when it is not configured', () => {
    expect(verify(plain, plain.token, { identities: [] })).toMatchObject({ reason: 'KEY_UNKNOWN' })
  })

  test('is refused with a detail', () => {
    const expired = { expiration: new Date('2016-01-01T00:00:00Z') }
    const otherSession = [{ ...identityOf(withSession), sessionToken: 'x' }]
    const verdicts = [
      ...[expired, { users: ['someone'] }, { sessionToken: 'x' }].map(verifyWith),
      verify(withSession, withSession.token, { identities: otherSession }),
      ...[-301, 901].map((seconds) =>
        verifyToken(plain.token, expectationsOf(plain), secondsAfter(plain, seconds)),
      ),
      verify(plain, plain.token, { users: ['someone'] }),
    ]
    expect(verdicts.map(detailOf)).toMatchSnapshot()
  })

  test('is accepted with its session token', () => {
    expect(verifyWith({ sessionToken: 'x' })).toMatchObject({ reason: 'SESSION_TOKEN_MISSING' })
  })
})

test('refuses a user that the endpoint does not have, even with a valid token', () => {
  expect(verify(plain, plain.token, { users: ['someone'] })).toMatchObject({ reason: 'USER_UNKNOWN' })
})

test.each<[Partial<TokenExpectations>, string, string]>([
  [{ service: 'dsql' }, 'password', 'the password is not of the form HOST/?…'],
  [{}, 'password', 'the password is not of the form HOST:PORT/?…'],
  [{ requireSlash: true }, plain.token.replace('/?', '?'), 'there is no / before the ?'],
])('with %j, refuses a token of another form with a detail', (changes, token, detail) => {
  expect(verify(plain, token, changes)).toMatchObject({ detail })
})

test.each([
  ['a', 'a', true],
  ['a', 'b', false],
  ['a', undefined, false],
  [undefined, 'a', false],
  [undefined, undefined, false],
])('the secrets %j and %j are equal: %j', (one, other, isSame) => {
  expect(sameSecret(one, other)).toBe(isSame)
})

test('reads a credential scope, a date and a token only without text around them', () => {
  const scope = 'AKID/20160101/us-east-1/rds-db/aws4_request'
  const date = '20160101T000000Z'
  expect(parseCredential(scope)).toMatchObject({ accessKeyId: 'AKID', region: 'us-east-1' })
  expect(parseSigningDate(date)).toBe(Date.UTC(2016, 0))
  expect(parseToken('[::1]:5432/?a=b')).toMatchObject({ host: '[::1]', port: 5432, parameters: [['a', 'b']] })
  for (const text of [`/${scope}`, `${scope}/`]) expect(parseCredential(text)).toBe(undefined)
  for (const text of [`1${date}`, `${date}1`]) expect(parseSigningDate(text)).toBe(undefined)
  for (const text of ['h:1/?*a=b', 'h:1/?a=%2']) expect(parseToken(text)).toBe(undefined)
})

test('refuses a host with the port of another host', () => {
  const endpoints = [
    { host: plain.host, ports: [1] },
    { host: 'other', ports: [plain.port] },
  ]
  expect(verify(plain, plain.token, { endpoints })).toMatchObject({ reason: 'PORT_MISMATCH' })
})

test('a verdict contains no token, signature or secret', () => {
  const { sessionToken, token, secretAccessKey } = withSession
  const signature = token.slice(token.indexOf('X-Amz-Signature=') + 16).slice(0, 64)
  const verdicts = [
    verify(withSession),
    verify(withSession, `${token}&x=y`),
    verify(withSession, token.slice(0, -1)),
  ]
  for (const secret of [sessionToken!, signature, secretAccessKey])
    expect(JSON.stringify(verdicts)).not.toContain(secret)
})

/** What a token says, whatever the order and the spelling of its parts; undefined for what is no token. */
function meaning(token: string): string | undefined {
  const match = /^([^/?#\s]+)\/?\?([^#\s]*)$/.exec(token)
  try {
    const parameters = (match?.[2] ?? '').split('&').map((part) => decodeURIComponent(part))
    return match === null ? undefined : `${match[1]?.toLowerCase()} ${parameters.sort().join(' ')}`
  } catch {
    return undefined
  }
}

const anyVector = fc.constantFrom(...tokenVectors)

test('refuses every mutation that changes the meaning of a token', () => {
  const mutation = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat({ max: 3 }),
    insert: fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.constantFrom('&', '%', '%00', '=', '?', '/', '0', 'A', '\0'),
    ),
  })
  fc.assert(
    fc.property(anyVector, fc.array(mutation, { minLength: 1, maxLength: 3 }), (vector, mutations) => {
      let { token } = vector
      for (const { at, remove, insert } of mutations) {
        const index = Math.floor(at * token.length)
        token = token.slice(0, index) + insert + token.slice(index + remove)
      }
      const verdict = verify(vector, token)
      expect(verdict.accepted).toBe(verdict.accepted && meaning(token) === meaning(vector.token))
    }),
    { numRuns: 5_000 },
  )
})

test('refuses any text that is not a token, without throwing', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.webUrl({ withQueryParameters: true }))
  fc.assert(
    fc.property(anyVector, text, (vector, token) => !verify(vector, token).accepted),
    { numRuns: 2_000 },
  )
})

test("accepts what AWS's signer makes for any user name", async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const word = fc.string({
    unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-'),
    minLength: 1,
    maxLength: 20,
  })
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        host: fc.tuple(word, word).map(([a, b]) => `x${a}.${b}x`),
        port: fc.integer({ min: 1, max: 65_535 }),
        user: fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.isWellFormed()),
        region: fc.constantFrom('us-east-1', 'cn-northwest-1', 'us-gov-west-1', 'mx-central-1'),
        secretAccessKey: fc.string({ minLength: 1 }),
        sessionToken: fc.option(fc.string({ minLength: 1, maxLength: 3_000 }), { nil: undefined }),
        time: fc.date({ min: new Date('2016-01-01'), max: new Date('2044-01-01'), noInvalidDate: true }),
      }),
      async ({ host, port, user, region, secretAccessKey, sessionToken, time }) => {
        const identity = {
          accessKeyId: 'AKIDEXAMPLE',
          secretAccessKey,
          ...(sessionToken === undefined ? {} : { sessionToken }),
        }
        vi.setSystemTime(time)
        const { value } = await createTokenProvider({
          host,
          port,
          user,
          region,
          credentials: identity,
        }).getToken()
        const endpoints = [{ host, ports: [port] }]
        const verdict = verifyToken(
          value,
          { user, users: [user], endpoints, region, identities: [identity] },
          time,
        )
        expect(verdict).toEqual({ accepted: true, accessKeyId: 'AKIDEXAMPLE' })
      },
    ),
    { numRuns: 300 },
  )
})
