import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { startLocalRds, startPostgres, type DatabaseServerWithUsers, type LocalRds } from '@rds-iam/local'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { allClosed } from './closed'
import { failure } from './failure'
import { pgClient } from './postgres-client'
import { psql, requirePsql } from './psql'
import { sign } from './sign'

const LONG_SESSION_TOKEN = 'FwoGZXIvYXdzE/+='.repeat(160)
const users = ['jane_doe', 'john', 'günther "the" o\'neil']

let server: DatabaseServerWithUsers
let rds: LocalRds

beforeAll(async () => {
  await requirePsql()
  server = await startPostgres({ users })
})

afterAll(() => server.stop())

beforeEach(async () => {
  rds = await startLocalRds({ backend: server.url, backendUsers: server.logins, users })
})

afterEach(async () => {
  vi.useRealTimers()
  await rds.close()
})

const client = (config: pg.ClientConfig = {}) => pgClient(rds, config)

/** How a login was refused. */
async function refusal(config: pg.ClientConfig): Promise<{ message: string; code?: string }> {
  const { message, code } = (await failure(client(config))) as pg.DatabaseError
  return { message, ...(code === undefined ? {} : { code }) }
}

const PAM = { message: 'PAM authentication failed for user "jane_doe"', code: '28000' }

describe('a login with a token', () => {
  test.each(users)('begins a session as %s', async (user) => {
    const session = await client({ user })
    const { rows } = await session.query(
      'select current_user::text as name, current_database()::text as database',
    )
    expect(rows).toEqual([{ name: user, database: 'app' }])
    await session.end()
    expect(rds.logins).toMatchObject([{ user, verdict: 'accepted', accessKeyId: rds.env.AWS_ACCESS_KEY_ID }])
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('works over %s', async (version) => {
    const session = await client({ ssl: { ca: rds.ca, minVersion: version, maxVersion: version } })
    await session.end()
  })

  test('works with direct TLS negotiation', async () => {
    const session = await client({ sslnegotiation: 'direct' } as pg.ClientConfig)
    await session.end()
  })

  test('works over IPv4 and IPv6', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const ssl = { ca: rds.ca, checkServerIdentity: () => undefined }
      const session = await client({ host, ssl })
      await session.end()
    }
  })

  test("passes on startup parameters and the server's parameters", async () => {
    const session = await client({
      application_name: 'a test',
      options: '-c search_path=pg_catalog',
    } as pg.ClientConfig)
    const { rows } = await session.query(
      `select current_setting('application_name') as name, current_setting('search_path') as path, pg_backend_pid() as pid`,
    )
    expect(rows).toEqual([
      { name: 'a test', path: 'pg_catalog', pid: (session as unknown as { processID: number }).processID },
    ])
    await session.end()
  })

  test('works with a long session token', async () => {
    rds.setIdentities([
      { accessKeyId: 'ASIATEST', secretAccessKey: 'secret', sessionToken: LONG_SESSION_TOKEN },
    ])
    const session = await client()
    await session.end()
  })

  test('works in psql with sslmode=verify-full', async () => {
    const outcome = await psql(rds, await sign(rds), 'select current_user')
    expect(outcome).toEqual({ status: 0, stdout: 'jane_doe\n', stderr: '' })
  })

  test('works in psql when it requests GSS encryption first', async () => {
    const outcome = await psql(
      rds,
      await sign(rds),
      'select 1',
      'gssencmode=prefer ssl_min_protocol_version=TLSv1.3',
    )
    expect(outcome).toMatchObject({ status: 0, stdout: '1\n' })
  })
})

describe('a login that is refused', () => {
  const cases: [string, () => Promise<string>, string][] = [
    ['a wrong password', () => Promise.resolve('secret'), 'MALFORMED_TOKEN'],
    ['an empty password', () => Promise.resolve(''), 'MALFORMED_TOKEN'],
    ["another user's token", () => sign(rds, { user: 'john' }), 'USER_MISMATCH'],
    ['a token for another host', () => sign(rds, { host: 'db.example.com' }), 'HOST_MISMATCH'],
    ['a token for another port', () => sign(rds, { port: 5433 }), 'PORT_MISMATCH'],
    ['a token for another region', () => sign(rds, { region: 'eu-west-1' }), 'REGION_MISMATCH'],
    [
      'a token of an unknown key',
      () => sign(rds, { identity: { accessKeyId: 'AKIAOTHER', secretAccessKey: 'x' } }),
      'KEY_UNKNOWN',
    ],
    [
      'a token with a wrong secret',
      () => sign(rds, { identity: { accessKeyId: rds.env.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: 'x' } }),
      'SIGNATURE_MISMATCH',
    ],
  ]

  test.each(cases)('for %s gets RDS’s message and no reason', async (_, password, reason) => {
    expect(await refusal({ password: await password() })).toEqual(PAM)
    expect(rds.logins).toMatchObject([{ user: 'jane_doe', verdict: 'refused', reason }])
    await allClosed(rds)
  })

  test('for an unknown user gets the same message', async () => {
    expect(await refusal({ user: 'nobody' })).toEqual({
      ...PAM,
      message: PAM.message.replace('jane_doe', 'nobody'),
    })
    expect(rds.logins).toMatchObject([{ user: 'nobody', reason: 'USER_UNKNOWN' }])
  })

  test('without TLS names pg_hba.conf, and happens before the password is requested', async () => {
    const password = vi.fn(() => 'never')
    expect(await refusal({ ssl: false, password })).toEqual({
      message: expect.stringMatching(
        /^no pg_hba.conf entry for host "(127\.0\.0\.1|::1)", user "jane_doe", database "app", no encryption$/,
      ),
      code: '28000',
    })
    expect(password).not.toHaveBeenCalled()
    expect(rds.logins).toMatchObject([{ reason: 'TLS_REQUIRED' }])
    await allClosed(rds)
  })

  test('in psql says the same', async () => {
    const outcome = await psql(rds, 'secret', 'select 1')
    expect(outcome.status).toBe(2)
    expect(outcome.stderr).toContain(`FATAL:  ${PAM.message}`)
  })

  test('by the database passes on the database’s error', async () => {
    expect(await refusal({ database: 'none' })).toEqual({
      message: 'database "none" does not exist',
      code: '3D000',
    })
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
    await allClosed(rds)
  })

  test('by a client that does not trust the certificate leaves no connection', async () => {
    expect(await refusal({ ssl: true })).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    expect(rds.logins).toEqual([])
    await allClosed(rds)
  })
})

describe('time', () => {
  test('refuses an expired token, and keeps open sessions', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const password = await sign(rds)
    const session = await client({ password })
    vi.setSystemTime(Date.now() + 901_000)
    expect(await refusal({ password })).toEqual(PAM)
    expect(rds.logins.at(-1)).toMatchObject({ reason: 'TOKEN_EXPIRED', time: new Date() })
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await session.end()
    const next = await client()
    await next.end()
  })

  test('refuses an expired identity', async () => {
    const identity = {
      accessKeyId: 'ASIATEST',
      secretAccessKey: 'secret',
      expiration: new Date(Date.now() + 60_000),
    }
    rds.setIdentities([identity])
    const password = await sign(rds)
    const session = await client({ password })
    vi.useFakeTimers({ toFake: ['Date'], now: identity.expiration })
    expect(await refusal({ password })).toEqual(PAM)
    expect(rds.logins.at(-1)).toMatchObject({ reason: 'IDENTITY_EXPIRED' })
    await session.end()
  })
})

describe('endpoint names', () => {
  test('replace the default names in tokens and in the certificate', async () => {
    const endpoints = ['db.example.com', 'alias.example.com:6543']
    const other = await startLocalRds({ backend: server.url, endpoints })
    const login = async (servername: string, host: string, port: number) => {
      const connection = new pg.Client({
        host: '127.0.0.1',
        port: other.port,
        user: other.user,
        database: other.database,
        password: await sign(other, { host, port }),
        ssl: { ca: other.ca, servername },
      })
      await connection.connect()
      await connection.end()
    }
    try {
      await login('db.example.com', 'db.example.com', other.port)
      await login('alias.example.com', 'db.example.com', 5432)
      await login('db.example.com', 'ALIAS.example.com', 6543)
      await expect(login('db.example.com', 'alias.example.com', 5432)).rejects.toMatchObject({
        code: '28000',
      })
      await expect(login('db.example.com', 'localhost', other.port)).rejects.toMatchObject({ code: '28000' })
      await expect(login('localhost', 'db.example.com', other.port)).rejects.toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      })
      expect(other.logins.map(({ reason }) => reason)).toEqual([
        undefined,
        undefined,
        undefined,
        'PORT_MISMATCH',
        'HOST_MISMATCH',
      ])
    } finally {
      await other.close()
    }
  })
})

describe('what comes before a login', () => {
  test('refuses direct TLS without ALPN', async () => {
    const socket = connectTls({ host: 'localhost', port: rds.port, ca: rds.ca })
    await once(socket.resume(), 'close')
  })

  test('closes the connection when encryption is requested twice', async () => {
    const socket = connectTcp(rds.port, 'localhost')
    const request = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30]) // GSSENCRequest
    socket.write(request)
    expect(await once(socket, 'data')).toEqual([Buffer.from('N')])
    socket.write(request)
    await once(socket, 'close')
  })
})

test('requests the token without TLS when the option tls is false', async () => {
  const other = await startLocalRds({ backend: server.url, tls: false })
  const target = { host: 'localhost', port: other.port, user: other.user, database: other.database }
  const password = await sign(other)
  const trusting = new pg.Client({ ...target, password, ssl: false })
  await trusting.connect()
  await trusting.end()
  expect(other.logins).toMatchObject([{ verdict: 'accepted' }])
  const careful = new pg.Client({ ...target, password, ssl: { ca: other.ca } })
  await expect(careful.connect()).rejects.toThrow('The server does not support SSL connections')
  expect(other.logins).toHaveLength(1)
  await other.close()
})

test('says why when the database cannot be reached', async () => {
  const other = await startLocalRds({ backend: `postgresql://localhost:${rds.port}/app?ssl-ca=/dev/null` })
  const outcome = await psql(other, await sign(other), 'select 1')
  expect(outcome.stderr).toContain('the database behind the endpoint cannot be used')
  expect(other.logins).toMatchObject([{ verdict: 'accepted' }])
  await other.close()
})
