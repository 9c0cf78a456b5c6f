import { startLocalRds, type BackendLogin, type LocalRds } from '@rds-iam/local'
import mysql from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { allClosed } from './closed'
import { failure } from './failure'
import { createBackendUsers, dropBackendUsers, mysqlClient, mysqlOptions, rows } from './mysql-client'
import { sign } from './sign'

const LONG_SESSION_TOKEN = 'FwoGZXIvYXdzE/+='.repeat(160)
const users = ['jane_doe', 'john']

let backend: string
let backendUsers: Record<string, BackendLogin>
let admin: mysql.Connection
let rds: LocalRds

beforeAll(async () => {
  backend = inject('mysqlUrl')
  admin = await mysql.createConnection(backend)
  backendUsers = await createBackendUsers(admin, users)
})

afterAll(async () => {
  await dropBackendUsers(admin, backendUsers)
  await admin.end()
})

beforeEach(async () => {
  rds = await startLocalRds({ engine: 'mysql', backend, backendUsers, users })
})

afterEach(async () => {
  vi.useRealTimers()
  await rds.close()
})

const client = (config: mysql.ConnectionOptions = {}, token?: string) => mysqlClient(rds, config, token)
const options = (config: mysql.ConnectionOptions = {}, token?: string) => mysqlOptions(rds, config, token)

/** How a login was refused. */
const refusal = (config: mysql.ConnectionOptions, token?: string) => failure(client(config, token))

const DENIED = {
  errno: 1045,
  sqlState: '28000',
  message: expect.stringMatching(
    /^Access denied for user 'jane_doe'@'(127\.0\.0\.1|::1)' \(using password: YES\)$/,
  ),
}

describe('a login with a token', () => {
  test.each(users)('begins a session as %s', async (user) => {
    const session = await client({ user })
    const [who] = await rows(
      session,
      'select current_user() as user, database() as db, connection_id() as id',
    )
    expect(who).toEqual({ user: `${backendUsers[user]?.user}@%`, db: rds.database, id: session.threadId })
    await session.end()
    expect(rds.logins).toMatchObject([{ user, verdict: 'accepted', accessKeyId: rds.env.AWS_ACCESS_KEY_ID }])
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('works over %s', async (version) => {
    const session = await client({ ssl: { ca: rds.ca, minVersion: version, maxVersion: version } })
    await session.end()
  })

  test('works over IPv4 and IPv6', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const session = await client({ host, ssl: { ca: rds.ca } })
      await session.end()
    }
  })

  test('passes on attributes, character set and flags', async () => {
    const connectAttributes = { program_name: 'a test' }
    const session = await client({ connectAttributes, charset: 'LATIN1_SWEDISH_CI', flags: ['-FOUND_ROWS'] })
    expect(await rows(session, 'select @@character_set_client as name')).toEqual([{ name: 'latin1' }])
    await session.query('create temporary table one select 1 as id')
    expect(await session.query('update one set id = 1')).toMatchObject([{ affectedRows: 0 }, undefined])
    await session.end()
  })

  test('works without a database', async () => {
    const session = await mysql.createConnection({
      ...(await options()),
      database: undefined as unknown as string,
    })
    expect(await rows(session, 'select database() as db')).toEqual([{ db: null }])
    await session.end()
  })

  test('works with a long session token', async () => {
    rds.setIdentities([
      { accessKeyId: 'ASIATEST', secretAccessKey: 'secret', sessionToken: LONG_SESSION_TOKEN },
    ])
    const session = await client()
    await session.end()
  })

  test('begins a session without compression when the client wants compression', async () => {
    const session = await client({ compress: true })
    const text = 'compressible '.repeat(100_000)
    expect(await rows(session, 'select ? as text', [text])).toEqual([{ text }])
    expect(await rows(session, `show session status like 'Compression'`)).toMatchObject([{ Value: 'OFF' }])
    await session.end()
  })

  test('begins a session without compression when the client asks for what was not offered', async () => {
    const session = await client({ flags: ['COMPRESS'] })
    expect(await rows(session, `show session status like 'Compression'`)).toMatchObject([{ Value: 'OFF' }])
    await session.end()
  })
})

describe('a login that is refused', () => {
  const cases: [string, () => Promise<string>, string][] = [
    ['a wrong password', () => Promise.resolve('secret'), 'MALFORMED_TOKEN'],
    ['an empty password', () => Promise.resolve(''), 'MALFORMED_TOKEN'],
    ["another user's token", () => sign(rds, { user: 'john' }), 'USER_MISMATCH'],
    ['a token for another host', () => sign(rds, { host: 'db.example.com' }), 'HOST_MISMATCH'],
    ['a token for another port', () => sign(rds, { port: 3307 }), 'PORT_MISMATCH'],
    ['a token for another region', () => sign(rds, { region: 'eu-west-1' }), 'REGION_MISMATCH'],
    [
      'a token with a wrong secret',
      () => sign(rds, { identity: { accessKeyId: rds.env.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: 'x' } }),
      'SIGNATURE_MISMATCH',
    ],
  ]

  test.each(cases)('for %s gets RDS’s message and no reason', async (_, token, reason) => {
    expect(await refusal({}, await token())).toMatchObject(DENIED)
    expect(rds.logins).toMatchObject([{ user: 'jane_doe', verdict: 'refused', reason }])
    await allClosed(rds)
  })

  test('for an unknown user gets the same message', async () => {
    expect(await refusal({ user: 'nobody' })).toMatchObject({ errno: 1045 })
    expect(rds.logins).toMatchObject([{ user: 'nobody', reason: 'USER_UNKNOWN' }])
  })

  test('without TLS happens before the password is requested', async () => {
    const plugin = vi.fn(() => () => Buffer.from('never'))
    const { ssl: _, ...plain } = await options({ authPlugins: { mysql_clear_password: plugin } })
    await expect(mysql.createConnection(plain)).rejects.toMatchObject({
      errno: 3159,
      message: 'Connections using insecure transport are prohibited while --require_secure_transport=ON.',
    })
    expect(plugin).not.toHaveBeenCalled()
    expect(rds.logins).toMatchObject([{ user: 'jane_doe', reason: 'TLS_REQUIRED' }])
    await allClosed(rds)
  })

  test('by the database passes on the database’s error', async () => {
    expect(await refusal({ database: 'none' })).toMatchObject({
      errno: 1049,
      message: "Unknown database 'none'",
    })
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
    await allClosed(rds)
  })

  test('by a client that does not trust the certificate leaves no connection', async () => {
    expect(await refusal({ ssl: {} })).toMatchObject({ code: 'HANDSHAKE_SSL_ERROR' })
    expect(rds.logins).toEqual([])
    await allClosed(rds)
  })
})

describe('time', () => {
  test('refuses an expired token, and keeps open sessions', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const token = await sign(rds)
    const session = await client({}, token)
    vi.setSystemTime(Date.now() + 901_000)
    expect(await refusal({}, token)).toMatchObject(DENIED)
    expect(rds.logins.at(-1)).toMatchObject({ reason: 'TOKEN_EXPIRED', time: new Date() })
    expect(await rows(session, 'select 1 as one')).toEqual([{ one: 1 }])
    await session.end()
    const next = await client()
    await next.end()
  })
})

test('requests the token without TLS when the option tls is false', async () => {
  const other = await startLocalRds({ engine: 'mysql', backend, tls: false })
  const target = { ...(await options({ port: other.port }, await sign(other))) }
  await expect(mysql.createConnection(target)).rejects.toMatchObject({ code: 'HANDSHAKE_NO_SSL_SUPPORT' })
  expect(other.logins).toEqual([])
  const { ssl: _, ...plain } = target
  const session = await mysql.createConnection({
    ...plain,
    enableCleartextPlugin: true,
  } as mysql.ConnectionOptions)
  await session.end()
  expect(other.logins).toMatchObject([{ verdict: 'accepted' }])
  await other.close()
})

test('says why when the database cannot be reached', async () => {
  const other = await startLocalRds({ engine: 'mysql', backend: 'mysql://nobody@127.0.0.1:1/app' })
  const refused = client({ port: other.port }, 'x')
  await expect(refused).rejects.toThrow(
    'the database behind the endpoint cannot be used: connect ECONNREFUSED',
  )
  await other.close()
})
