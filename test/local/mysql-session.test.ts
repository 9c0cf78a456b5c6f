import { once } from 'node:events'
import { connect, createServer, Socket, type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { startLocalRds, type BackendLogin, type LocalRds } from '@rds-iam/local'
import mysql from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { allClosed } from './closed'
import { failure } from './failure'
import { createBackendUsers, dropBackendUsers, mysqlClient, rows } from './mysql-client'
import { sign } from './sign'

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
  await rds.close()
})

const client = (config: mysql.ConnectionOptions = {}, token?: string) => mysqlClient(rds, config, token)

/** Changes the user with a token for it. */
async function change(session: mysql.Connection, to: mysql.ConnectionOptions, token: string): Promise<void> {
  const plugins = { mysql_clear_password: () => () => Buffer.from(`${token}\0`) }
  Object.assign((session as unknown as { connection: { config: object } }).connection.config, {
    authPlugins: plugins,
  })
  await session.changeUser(to)
}

describe('changing the user', () => {
  test('accepts a token for the new user, any number of times', async () => {
    const session = await client()
    for (const user of ['john', 'jane_doe', 'john']) {
      await change(session, { user }, await sign(rds, { user }))
      expect(await rows(session, 'select current_user() as user')).toEqual([
        { user: `${backendUsers[user]?.user}@%` },
      ])
    }
    expect(rds.logins.map(({ user }) => user)).toEqual(['jane_doe', 'john', 'jane_doe', 'john'])
    await session.end()
    await allClosed(rds)
  })

  test('changes the database, and keeps the character set', async () => {
    const session = await client({ charset: 'LATIN1_SWEDISH_CI' })
    await change(
      session,
      { user: 'john', database: 'mysql', charset: 'LATIN1_SWEDISH_CI' },
      await sign(rds, { user: 'john' }),
    )
    const [state] = await rows(session, 'select database() as db, @@character_set_client as name')
    expect(state).toEqual({ db: 'mysql', name: 'latin1' })
    await session.end()
  })

  test('is refused with the old user’s token, and ends the session', async () => {
    const session = await client()
    await expect(change(session, { user: 'john' }, await sign(rds))).rejects.toMatchObject({ errno: 1045 })
    expect(rds.logins.at(-1)).toMatchObject({ user: 'john', reason: 'USER_MISMATCH' })
    await allClosed(rds)
  })

  test('passes on the database’s error when the database refuses', async () => {
    const session = await client()
    const token = await sign(rds, { user: 'john' })
    await expect(change(session, { user: 'john', database: 'none' }, token)).rejects.toMatchObject({
      errno: 1049,
    })
    await allClosed(rds)
  })
})

describe('a session', () => {
  test('runs as the backend URL’s user when no other is configured', async () => {
    const other = await startLocalRds({ engine: 'mysql', backend })
    const session = await client({ port: other.port, ssl: { ca: other.ca } }, await sign(other))
    const [who] = await rows(session, 'select user() as user')
    expect(String(who?.user).split('@')[0]).toBe(decodeURIComponent(new URL(backend).username))
    await session.end()
    await other.close()
  })

  test('prepares statements, and sends several at once', async () => {
    const session = await client({ multipleStatements: true })
    const [prepared] = await session.execute('select ? + ? as sum', [1, 2])
    expect(prepared).toEqual([{ sum: 3 }])
    expect(await rows(session, 'select 1 as a; select 2 as b')).toEqual([[{ a: 1 }], [{ b: 2 }]])
    await session.end()
  })

  test('can be cancelled by its connection id', async () => {
    const [session, other] = [await client(), await client()]
    const sleeping = failure(session.query('select sleep(3600) from (select 1) as t where sleep(3600)'))
    const running = `select 1 from information_schema.processlist where id = ? and info like 'select sleep%'`
    while ((await rows(other, running, [session.threadId])).length === 0);
    await other.query(`kill query ${session.threadId}`)
    expect(await sleeping).toMatchObject({ errno: 1317 })
    expect(await rows(session, 'select 1 as one')).toEqual([{ one: 1 }])
    await Promise.all([session.end(), other.end()])
  })

  test('loads data from the client when its bytes look like a change of user', async () => {
    await admin.query('set global local_infile = 1')
    const session = await client()
    await session.query('create temporary table loaded (line varchar(100)) charset latin1')
    const line = '\x11'.repeat(99)
    const infileStreamFactory = () =>
      Readable.from(Array.from({ length: 1000 }, () => Buffer.from(`${line}\n`.repeat(20))))
    await session.query({ sql: `load data local infile 'x' into table loaded`, infileStreamFactory })
    expect(await rows(session, 'select count(*) as n, max(line) as line from loaded')).toEqual([
      { n: 20_000, line },
    ])
    await session.end()
  })

  test('accepts commands of several packets when their bytes look like a change of user', async () => {
    await admin.query('set global max_allowed_packet = 67108864')
    const session = await client()
    for (const size of [0xffffff - 40, 0xffffff, 0x1ffffff, 0x2000000]) {
      const bytes = Buffer.alloc(size, 0x11) // what COM_CHANGE_USER begins with
      const [row] = await rows(session, 'select length(?) as size', [bytes.toString('latin1')])
      expect(row).toEqual({ size })
    }
    await session.end()
  })

  test('stops reading from the client while the database does not read', async () => {
    await admin.query('set global max_allowed_packet = 67108864')
    const proxy = createServer(async (socket) => {
      const link = connect(Number(new URL(backend).port || 3306), new URL(backend).hostname)
      link.pipe(socket)
      for await (const chunk of socket) {
        link.write(chunk as Buffer)
        await setImmediate()
      }
      link.end()
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const url = new URL(backend)
    url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const other = await startLocalRds({ engine: 'mysql', backend: url.href })
    const session = await mysqlClient(other)
    const size = 30_000_000
    expect(await rows(session, 'select length(?) as size', ['x'.repeat(size)])).toEqual([{ size }])
    await session.end()
    await other.close()
    proxy.close()
  })

  test('stops reading from the server while the client does not read', async () => {
    const [session, other] = [await client(), await client()]
    const { stream } = (session as unknown as { connection: { stream: NodeJS.ReadStream } }).connection
    const result = rows(
      session,
      `select repeat('x', 1000000) as x from information_schema.collations limit 100`,
    )
    stream.pause()
    const waiting = `select 1 from information_schema.processlist where id = ? and (state like '%to net%' or state like '%to client%')`
    while ((await rows(other, waiting, [session.threadId])).length === 0);
    stream.resume()
    expect(await result).toHaveLength(100)
    await Promise.all([session.end(), other.end()])
  })

  test('ends when the server ends it', async () => {
    const session = await client()
    const ended = new Promise<mysql.QueryError>((resolve) => session.on('error', resolve))
    await admin.query(`kill ${session.threadId}`)
    expect(await ended).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST' })
    await allClosed(rds)
  })

  test('closes without a message when connections are dropped', async () => {
    const session = await client()
    const ended = new Promise<mysql.QueryError>((resolve) => session.on('error', resolve))
    expect(rds.openConnections).toBe(1)
    rds.dropConnections()
    expect(await ended).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST' })
    await allClosed(rds)
    const next = await client()
    await next.end()
  })

  test.each(['closed', 'reset'] as const)(
    'leaves nothing at the database when its client has %s',
    async (how) => {
      const tcp = new Socket()
      const session = await client({ stream: () => tcp.connect(rds.port, 'localhost') })
      session.on('error', () => {})
      if (how === 'closed') session.destroy()
      else tcp.resetAndDestroy()
      const present = 'select 1 from information_schema.processlist where id = ?'
      while ((await rows(admin, present, [session.threadId])).length !== 0);
    },
  )

  test('accepts commands one byte at a time', async () => {
    const session = await client()
    const { stream } = (session as unknown as { connection: { stream: Socket } }).connection
    const write = stream.write.bind(stream) as (bytes: Buffer) => boolean
    stream.write = (bytes: Buffer | string) => {
      for (const byte of Buffer.from(bytes as Buffer)) write(Buffer.from([byte]))
      return true
    }
    expect(await rows(session, 'select ? as text', ['\x11'.repeat(20)])).toEqual([
      { text: '\x11'.repeat(20) },
    ])
    await change(session, { user: 'john' }, await sign(rds, { user: 'john' }))
    expect(await rows(session, 'select current_user() as user')).toEqual([
      { user: `${backendUsers.john?.user}@%` },
    ])
    await session.end()
    await allClosed(rds)
  })
})

test('counts a hundred sessions that log in at once', async () => {
  const token = await sign(rds)
  const sessions = await Promise.all(Array.from({ length: 100 }, () => client({}, token)))
  expect(rds.openConnections).toBe(100)
  await Promise.all(sessions.map((session) => session.end()))
  await allClosed(rds)
})
