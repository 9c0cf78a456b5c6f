import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalRds, startPostgres, type DatabaseServer, type LocalRds } from '@rds-iam/local'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { CACHING_SHA2_USER, startScriptedMysql, type ScriptedMysql } from './scripted-mysql'
import { sign } from './sign'

const started: LocalRds[] = []

async function start(...options: Parameters<typeof startLocalRds>): Promise<LocalRds> {
  const rds = await startLocalRds(...options)
  started.push(rds)
  return rds
}

// The last one first: it may stand before another one.
afterEach(async () => {
  for (const rds of started.splice(0).reverse()) await rds.close()
})

async function pgUser(rds: LocalRds, user = rds.user): Promise<unknown> {
  const { host, port, database } = rds
  const session = new pg.Client({
    host,
    port,
    user,
    database,
    password: await sign(rds, { user }),
    ssl: { ca: rds.ca },
  })
  await session.connect()
  const { rows } = await session.query<{ name: string }>('select current_user as name')
  await session.end()
  return rows[0]?.name
}

async function mysqlSession(rds: LocalRds, user = rds.user): Promise<mysql.Connection> {
  const { host, port, database } = rds
  const token = await sign(rds, { user })
  const authPlugins = { mysql_clear_password: () => () => Buffer.from(`${token}\0`) }
  return mysql.createConnection({
    host,
    port,
    user,
    database,
    ssl: { ca: rds.ca, verifyIdentity: true },
    authPlugins,
  })
}

async function mysqlUser(rds: LocalRds): Promise<unknown> {
  const session = await mysqlSession(rds)
  const [rows] = await session.query<mysql.RowDataPacket[]>('select user() as name')
  await session.end()
  return rows[0]?.name
}

let directory: string
const caFile = (rds: LocalRds) => {
  const path = join(directory, `ca-${rds.port}.pem`)
  writeFileSync(path, rds.ca)
  return path
}

beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'backend-login-'))))
afterAll(() => rmSync(directory, { recursive: true }))

describe('a PostgreSQL backend', () => {
  const methods = { by_trust: 'trust', by_password: 'password', by_md5: 'md5', by_scram: 'scram-sha-256' }
  let server: DatabaseServer

  beforeAll(async () => {
    server = await startPostgres()
    const admin = new pg.Client(server.url)
    await admin.connect()
    const rules = Object.entries(methods).map(([user, method]) => `host all ${user} 127.0.0.1/32 ${method}`)
    rules.push('local all postgres scram-sha-256')
    rules.push('host all postgres 127.0.0.1/32 scram-sha-256', 'host all nobody 127.0.0.1/32 reject')
    for (const user of Object.keys(methods)) {
      await admin.query(`set password_encryption = '${user === 'by_md5' ? 'md5' : 'scram-sha-256'}'`)
      await admin.query(`create role ${user} login password 'pässwörd %/@'`)
    }
    const { rows } = await admin.query<{ hba_file: string }>('show hba_file')
    await admin.query(`copy (select unnest($$${`{${rules.join(',')}}`}$$::text[])) to '${rows[0]?.hba_file}'`)
    await admin.query('select pg_reload_conf()')
    await admin.end()
  })

  afterAll(() => server.stop())

  const backendFor = (user: string, password = 'pässwörd %/@') =>
    Object.assign(new URL(server.url), { username: user, password: encodeURIComponent(password) }).href

  test.each(Object.keys(methods))('may accept the user %s', async (user) => {
    const rds = await start({ backend: backendFor(user) })
    expect(await pgUser(rds)).toBe(user)
    expect(await pgUser(rds)).toBe(user)
  })

  test.each(['by_password', 'by_md5', 'by_scram'])('may refuse the user %s', async (user) => {
    const rds = await start({ backend: backendFor(user, 'wrong') })
    await expect(pgUser(rds)).rejects.toMatchObject({
      code: '28P01',
      message: `password authentication failed for user "${user}"`,
    })
  })

  test("gets the login of the user's entry in backendUsers", async () => {
    const users = ['jane_doe', 'john']
    const backendUsers = { john: { user: 'by_scram', password: 'pässwörd %/@' } }
    const rds = await start({ backend: backendFor('by_trust'), backendUsers, users })
    expect(await pgUser(rds)).toBe('by_trust')
    expect(await pgUser(rds, 'john')).toBe('by_scram')
  })

  test('is connected to over TLS when its CA is given', async () => {
    const inner = await start({ backend: server.url })
    const password = encodeURIComponent(await sign(inner))
    const url = (host: string, ca: LocalRds) =>
      `postgresql://jane_doe:${password}@${host}:${inner.port}/app?ssl-ca=${caFile(ca)}`
    const outer = await start({ backend: url('localhost', inner) })
    expect(await pgUser(outer)).toBe('postgres')
    const distrustful = await start({ backend: url('localhost', outer) })
    await expect(pgUser(distrustful)).rejects.toThrow('unable to verify the first certificate')
    const misnamed = await start({ backend: url('[::1]', inner) })
    await expect(pgUser(misnamed)).rejects.toThrow('does not match certificate')
  })

  test('is connected to by its Unix-domain socket when one is given', async () => {
    const url = Object.assign(new URL(server.url), { port: '1' })
    url.searchParams.set('socket', server.socketPath ?? '')
    expect(await pgUser(await start({ backend: url.href }))).toBe('postgres')
    url.searchParams.set('socket', join(directory, 'none'))
    await expect(pgUser(await start({ backend: url.href }))).rejects.toThrow('cannot be used: connect ENOENT')
  })

  test('is refused when it does not offer TLS and a CA is given', async () => {
    const rds = await start({ backend: server.url })
    const other = await start({ backend: `${server.url}?ssl-ca=${caFile(rds)}` })
    await expect(pgUser(other)).rejects.toThrow('the backend offers no TLS')
  })
})

describe('a MySQL backend', () => {
  test('is connected to over TLS when its CA is given', async () => {
    const inner = await start({ engine: 'mysql', backend: inject('mysqlUrl') })
    const password = encodeURIComponent(await sign(inner))
    const url = (ca: LocalRds) =>
      `mysql://jane_doe:${password}@localhost:${inner.port}/${inner.database}?ssl-ca=${caFile(ca)}`
    const outer = await start({ engine: 'mysql', backend: url(inner) })
    expect(await mysqlUser(outer)).toMatch(new RegExp(`^${new URL(inject('mysqlUrl')).username}@`))
    expect(inner.logins).toMatchObject([{ verdict: 'accepted' }])
    const distrustful = await start({ engine: 'mysql', backend: url(outer) })
    await expect(mysqlUser(distrustful)).rejects.toThrow('unable to verify the first certificate')
  })

  test('gets no cleartext password without TLS', async () => {
    const inner = await start({ engine: 'mysql', backend: inject('mysqlUrl'), tls: false })
    const outer = await start({
      engine: 'mysql',
      backend: `mysql://jane_doe:secret@localhost:${inner.port}/app`,
    })
    await expect(mysqlUser(outer)).rejects.toThrow('the backend requests a cleartext password without TLS')
    expect(inner.logins).toEqual([])
  })
})

describe('a MySQL backend with caching_sha2_password', () => {
  let server: ScriptedMysql
  beforeEach(async () => void (server = await startScriptedMysql()))
  afterEach(() => server.close())

  test.each(['fast', 'full'] as const)(
    'lets in by its %s way, first with the password’s hash',
    async (way) => {
      server.way = way
      const rds = await start({ engine: 'mysql', backend: server.url })
      const session = await mysqlSession(rds)
      await session.end()
      expect(server.logins).toEqual([{ user: CACHING_SHA2_USER, accepted: true }])
    },
  )

  test('accepts a login after an auth switch', async () => {
    server.way = 'switch'
    const rds = await start({ engine: 'mysql', backend: server.url })
    const session = await mysqlSession(rds)
    await session.end()
    expect(server.logins).toEqual([{ user: CACHING_SHA2_USER, accepted: true }])
  })

  test('passes on its own error for a wrong password', async () => {
    const rds = await start({ engine: 'mysql', backend: server.url.replace(/:[^:/]*@/, ':wrong@') })
    await expect(mysqlSession(rds)).rejects.toMatchObject({ errno: 1045, message: 'a scripted refusal' })
  })

  test('sees a completed login when the client closes before its own', async () => {
    const rds = await start({ engine: 'mysql', backend: server.url })
    await expect(mysqlSession(rds, 'nobody')).rejects.toMatchObject({
      errno: 1045,
    })
    expect(await server.nextQuit).toBe(CACHING_SHA2_USER)
  })

  test('offers no TLS when the endpoint offers none', async () => {
    const rds = await start({ engine: 'mysql', backend: server.url, tls: false })
    await expect(mysqlSession(rds)).rejects.toMatchObject({ code: 'HANDSHAKE_NO_SSL_SUPPORT' })
  })

  test('has no open connection when the endpoint is closed', async () => {
    server.way = 'silent'
    vi.spyOn(AbortSignal, 'timeout').mockReturnValue(new AbortController().signal) // never
    const rds = await start({ engine: 'mysql', backend: server.url })
    await expect(mysqlSession(rds, 'nobody')).rejects.toMatchObject({ errno: 1045 })
    await server.answered
    await rds.close()
    await server.disconnected
    vi.restoreAllMocks()
  })
})
