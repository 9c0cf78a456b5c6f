import { createTokenProvider } from '@rds-iam/core'
import { startLocalCluster, startLocalRds, type LocalRds } from '@rds-iam/local'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { allClosed } from './closed'
import { dsqlClient, signDsql } from './dsql-client'
import { failure } from './failure'
import { psql } from './psql'

let rds: LocalRds

beforeAll(async () => {
  rds = await startLocalRds({ engine: 'dsql' })
})

afterEach(() => void vi.useRealTimers())

afterAll(() => rds.close())

const client = (config: pg.ClientConfig = {}) => dsqlClient(rds, config)

/** The client's error for a refused login, and the reason in the audit trail. */
async function refusal(config: pg.ClientConfig) {
  const { message, code, hint } = (await failure(client(config))) as pg.DatabaseError
  return { message, code, hint, reason: rds.logins.at(-1)?.reason }
}

const DENIED = { message: 'unable to accept connection, access denied', code: '08006' }

describe('a login with a DSQL token', () => {
  test.each(['jane_doe', 'admin'])('opens a session as %s in the database postgres', async (user) => {
    const session = await client({ user })
    const { rows } = await session.query(
      `select current_user::text as user, current_database()::text as database,
       current_setting('transaction_isolation') as isolation`,
    )
    expect(rows).toEqual([{ user, database: 'postgres', isolation: 'repeatable read' }])
    await session.end()
    expect(rds.logins.at(-1)).toMatchObject({ user, verdict: 'accepted' })
  })

  test('works with direct TLS negotiation', async () => {
    const session = await client({ sslnegotiation: 'direct' } as pg.ClientConfig)
    await session.end()
  })

  test('works for 127.0.0.1, and for a host in upper case', async () => {
    for (const host of ['127.0.0.1', 'LOCALHOST']) {
      const session = await client({ password: await signDsql(rds, 'jane_doe', { host }) })
      await session.end()
    }
  })

  test('works in psql', async () => {
    const outcome = await psql(rds, await signDsql(rds, 'jane_doe'), 'select current_user')
    expect(outcome).toEqual({ status: 0, stdout: 'jane_doe\n', stderr: '' })
  })

  test('works for a week when the token was signed for that long', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const token = await signDsql(rds, 'jane_doe', { expiresIn: 604_800 })
    vi.setSystemTime(Date.now() + 604_799_000)
    const session = await client({ password: token })
    await session.end()
  })
})

describe('a login that is refused', () => {
  const rdsToken = async () => {
    const [credentials] = rds.configuration.identities
    const options = { host: 'db.example.com', port: rds.port, user: 'jane_doe', region: rds.region }
    return (await createTokenProvider({ ...options, credentials: credentials! }).getToken()).value
  }
  const cases: [string, () => Promise<string>, string][] = [
    ['a wrong password', () => Promise.resolve('secret'), 'MALFORMED_TOKEN'],
    ['a token for RDS', rdsToken, 'PARAMETER_UNKNOWN'],
    ['a token with a port', () => signDsql(rds, 'jane_doe', { host: 'localhost:5432' }), 'PORT_MISMATCH'],
    ['a token for another host', () => signDsql(rds, 'jane_doe', { host: 'other' }), 'HOST_MISMATCH'],
    [
      'a token for another region',
      () => signDsql(rds, 'jane_doe', { region: 'eu-west-1' }),
      'REGION_MISMATCH',
    ],
    [
      'a token with a wrong secret',
      () =>
        signDsql(rds, 'jane_doe', {
          identity: { accessKeyId: rds.env.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: 'x' },
        }),
      'SIGNATURE_MISMATCH',
    ],
    [
      'a token that is valid for longer than a week',
      async () => (await signDsql(rds, 'jane_doe')).replace('Expires=900', 'Expires=604801'),
      'EXPIRES_INVALID',
    ],
  ]

  test.each(cases)('for %s gets DSQL’s message', async (_, password, reason) => {
    expect(await refusal({ password: await password() })).toEqual({ ...DENIED, reason })
    await allClosed(rds)
  })

  test.each([
    ['admin', 'DbConnect'],
    ['jane_doe', 'DbConnectAdmin'],
  ] as const)('as %s with a token for %s gets a hint that they do not match', async (user, action) => {
    const password = await signDsql(rds, user, { action })
    const hint = `Wrong user to action mapping. user: ${user}`
    expect(await refusal({ user, password })).toEqual({ ...DENIED, hint, reason: 'ACTION_MISMATCH' })
  })

  test('for an expired token gets a hint that it expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const password = await signDsql(rds, 'jane_doe')
    vi.setSystemTime(Date.now() + 901_000)
    expect(await refusal({ password })).toEqual({
      ...DENIED,
      hint: expect.stringContaining('Signature expired'),
      reason: 'TOKEN_EXPIRED',
    })
  })

  test('for an unknown user gets the same message', async () => {
    expect(await refusal({ user: 'nobody' })).toEqual({ ...DENIED, reason: 'USER_UNKNOWN' })
  })

  test('for another database passes on PostgreSQL’s error', async () => {
    expect(await refusal({ database: 'app' })).toMatchObject({ code: '3D000' })
  })
})

test('refuses a token for DSQL at an RDS endpoint', async () => {
  const other = await startLocalRds({ backend: `postgresql://localhost:${rds.port}` })
  const error = await failure(dsqlClient(other, { password: await signDsql(other, 'jane_doe') }))
  expect(error).toMatchObject({ code: '28000' })
  expect(other.logins).toMatchObject([{ reason: 'MALFORMED_TOKEN' }])
  await other.close()
})

test('refuses to start a cluster', async () => {
  await expect(startLocalCluster({ engine: 'dsql' })).rejects.toThrow(
    new TypeError('engine must be postgres or mysql, not dsql'),
  )
})
