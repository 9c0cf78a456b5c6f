import { once } from 'node:events'
import { connect as connectTcp, createServer, Socket, type AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { startLocalRds, startPostgres, type DatabaseServerWithUsers, type LocalRds } from '@rds-iam/local'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { allClosed } from './closed'
import { failure } from './failure'
import { pgClient } from './postgres-client'
import { psql, requirePsql } from './psql'
import { sign } from './sign'

let server: DatabaseServerWithUsers
let rds: LocalRds

beforeAll(async () => {
  await requirePsql()
  server = await startPostgres()
})

afterAll(() => server.stop())

beforeEach(async () => {
  rds = await startLocalRds({ backend: server.url, backendUsers: server.logins })
})

afterEach(async () => {
  await rds.close()
})

const client = (config: pg.ClientConfig = {}) => pgClient(rds, config)

interface Internals {
  processID: number
  secretKey: number
  connection: { stream: Socket }
}

/** What pg knows of its session and does not declare. */
const internals = (session: pg.Client) => session as unknown as Internals

function int32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => bytes.writeInt32BE(value, 4 * index))
  return bytes
}

async function openSocket(way: 'plain' | 'TLS' | 'direct TLS'): Promise<Socket> {
  const socket = connectTcp(rds.port, 'localhost')
  if (way === 'plain') return socket
  if (way === 'TLS') {
    socket.write(int32(8, 80877103))
    await once(socket, 'data')
  }
  return connectTls({ socket, ca: rds.ca, servername: 'localhost', ALPNProtocols: ['postgresql'] })
}

describe('a session', () => {
  test('runs as the backend URL’s user when no other is configured', async () => {
    const other = await startLocalRds({ backend: server.url })
    const outcome = await psql(other, await sign(other), 'select current_user')
    expect(outcome.stdout).toBe('postgres\n')
    await other.close()
  })

  test.each(['plain', 'TLS', 'direct TLS'] as const)('can be cancelled over a %s connection', async (way) => {
    const [session, other] = [await client(), await client()]
    const sleeping = failure(session.query('select pg_sleep(3600)'))
    const running = `select 1 from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'`
    while ((await other.query(running, [internals(session).processID])).rowCount === 0);
    const { processID, secretKey } = internals(session)
    const socket = await openSocket(way)
    socket.resume().end(int32(16, 80877102, processID, secretKey))
    await once(socket, 'close')
    expect(await sleeping).toMatchObject({ code: '57014' })
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await Promise.all([session.end(), other.end()])
    await allClosed(rds)
    expect(rds.logins).toHaveLength(2)
  })

  test('copies a million rows out and in', async () => {
    const { status, stdout } = await psql(
      rds,
      await sign(rds),
      'copy (select generate_series(1, 1000000)) to stdout',
    )
    expect(status).toBe(0)
    expect(stdout.split('\n')).toHaveLength(1_000_001)
    const back =
      'create temp table numbers(n int); copy numbers from stdin; select count(*), sum(n) from numbers'
    expect(await psql(rds, await sign(rds), back, '', stdout)).toMatchObject({
      stdout: '1000000|500000500000\n',
    })
  })

  test('receives notifications', async () => {
    const [listener, speaker] = [await client(), await client()]
    await listener.query('listen news')
    const heard = once(listener, 'notification')
    await speaker.query(`notify news, 'something'`)
    expect(await heard).toMatchObject([{ channel: 'news', payload: 'something' }])
    await Promise.all([listener.end(), speaker.end()])
  })

  test('passes values of many megabytes unchanged', async () => {
    const session = await client()
    const bytes = Buffer.alloc(8_000_000, 'not the same everywhere ')
    const { rows } = await session.query<{ back: Buffer }>('select $1::bytea as back', [bytes])
    expect(rows[0]?.back.equals(bytes)).toBe(true)
    await session.end()
  })

  test('stops reading from the server while the client does not read', async () => {
    const [session, other] = [await client(), await client()]
    const { processID, connection } = internals(session)
    const result = session.query(`select repeat('x', 100000) as x from generate_series(1, 1000)`)
    connection.stream.pause()
    const waiting = `select 1 from pg_stat_activity where pid = $1 and wait_event = 'ClientWrite'`
    while ((await other.query(waiting, [processID])).rowCount === 0);
    connection.stream.resume()
    expect((await result).rowCount).toBe(1000)
    await Promise.all([session.end(), other.end()])
  })

  test('passes on the server’s message when the server ends the session', async () => {
    const [session, other] = [await client(), await client()]
    const { processID } = internals(session)
    const errors: Error[] = []
    session.on('error', (error) => errors.push(error))
    const ended = new Promise((resolve) => session.once('end', resolve))
    await other.query('select pg_terminate_backend($1)', [processID])
    await ended
    expect(errors[0]).toMatchObject({ code: '57P01' })
    await other.end()
    await allClosed(rds)
  })

  test('closes without a message when connections are dropped', async () => {
    const session = await client()
    const errors: Error[] = []
    session.on('error', (error) => errors.push(error))
    const ended = new Promise((resolve) => session.once('end', resolve))
    expect(rds.openConnections).toBe(1)
    rds.dropConnections()
    await ended
    expect(errors[0]?.message).toBe('Connection terminated unexpectedly')
    await allClosed(rds)
    const next = await client()
    await next.end()
  })

  test('ends when the connection to the database breaks', async () => {
    const links: Socket[] = []
    const proxy = createServer((socket) => {
      const link = connectTcp(Number(new URL(server.url).port), '127.0.0.1')
      socket.pipe(link).pipe(socket)
      links.push(socket)
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const backend = Object.assign(new URL(server.url), { port: (proxy.address() as AddressInfo).port }).href
    const other = await startLocalRds({ backend })
    const session = await pgClient(other)
    const ended = failure(once(session, 'end'))
    for (const link of links) link.resetAndDestroy()
    expect(await ended).toMatchObject({ message: 'Connection terminated unexpectedly' })
    await allClosed(other)
    await other.close()
    proxy.close()
  })

  test.each(['closed', 'reset'] as const)(
    'leaves nothing at the database when its client has %s',
    async (how) => {
      const tcp = new Socket()
      const [session, other] = [await client({ stream: () => tcp }), await client()]
      const { processID, connection } = internals(session)
      session.on('error', () => {})
      if (how === 'closed') connection.stream.destroy()
      else tcp.resetAndDestroy()
      while (
        (await other.query('select 1 from pg_stat_activity where pid = $1', [processID])).rowCount !== 0
      );
      await other.end()
    },
  )
})

test('counts two hundred sessions that log in at once', async () => {
  const password = await sign(rds)
  const sessions = await Promise.all(Array.from({ length: 200 }, () => client({ password })))
  expect(rds.openConnections).toBe(200)
  expect(rds.logins.filter(({ verdict }) => verdict === 'accepted')).toHaveLength(200)
  await Promise.all(sessions.map((session) => session.end()))
  await allClosed(rds)
})
