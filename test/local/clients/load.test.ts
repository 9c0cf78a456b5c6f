import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import { startLocalRds, startPostgres, type DatabaseServer, type LocalRds } from '@rds-iam/local'
import mysql from 'mysql2/promise'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { startTestMysql } from '../../servers/mysql'
import { allClosed } from '../closed'
import { mysqlClient, rows } from '../mysql-client'
import { pgClient } from '../postgres-client'
import { sign } from '../sign'

const CONNECTIONS = 5_000
const AT_ONCE = 40
const TIME_MS = 300_000

/** What a client sends until it is in a session: the request for TLS, then what goes through TLS. */
interface Conversation {
  /** Whether the server speaks first, and waits for the ClientHello after the request for TLS. */
  serverFirst: boolean
  tlsRequest: Buffer
  messages: Buffer[]
}

const int32 = (value: number) => Buffer.from([value >> 24, value >> 16, value >> 8, value])

function postgresConversation({ user, database }: LocalRds, token: string): Conversation {
  const message = (type: string, body: string) =>
    Buffer.concat([Buffer.from(type), int32(Buffer.byteLength(body) + 4), Buffer.from(body)])
  const parameters = Buffer.from(`user\0${user}\0database\0${database}\0\0`)
  return {
    serverFirst: false,
    tlsRequest: Buffer.concat([int32(8), int32(80_877_103)]),
    messages: [
      Buffer.concat([int32(parameters.length + 8), int32(196_608), parameters]),
      message('p', `${token}\0`),
      message('Q', `select repeat('x', 1000) from generate_series(1, 1000)\0`),
    ],
  }
}

function mysqlConversation({ user, database }: LocalRds, token: string): Conversation {
  const packet = (sequence: number, payload: Buffer) =>
    Buffer.concat([Buffer.from([payload.length & 255, payload.length >> 8, 0, sequence]), payload])
  const head = Buffer.alloc(32)
  head.writeUInt32LE(0x8 | 0x200 | 0x800 | 0x8000 | 0x80000, 0)
  head.writeUInt32LE(0xffffff, 4)
  head.writeUInt8(45, 8)
  const login = Buffer.from(`${user}\0\0${database}\0mysql_native_password\0`)
  return {
    serverFirst: true,
    tlsRequest: packet(1, head),
    messages: [
      packet(2, Buffer.concat([head, login])),
      packet(4, Buffer.from(`${token}\0`)),
      packet(0, Buffer.from(`\x03select repeat('x', 1000000)`)),
    ],
  }
}

const ENGINES = {
  postgres: { url: 'postgresUrl', conversation: postgresConversation },
  mysql: { url: 'mysqlUrl', conversation: mysqlConversation },
} as const

/** The ClientHello of a TLS client. */
async function recordClientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connectTls({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  client.on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [hello] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  server.close()
  return hello
}

/** Numbers from 0 up to a bound, the same in every run (mulberry32). */
function createRandom(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

/** Resolves when bytes came, or none will. */
function heard(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve()
    const done = () => {
      stream.off('data', done).off('close', done)
      stream.pause()
      resolve()
    }
    stream.once('data', done).once('close', done).resume()
  })
}

interface Target {
  rds: LocalRds
  conversation: Conversation
  secureContext: SecureContext
  clientHello: Buffer
  random: (bound: number) => number
}

/** Opens a connection, gets somewhere, leaves off in the middle of something and goes away in some way. */
async function openAndDrop({ rds, conversation, secureContext, clientHello, random }: Target): Promise<void> {
  const { serverFirst, tlsRequest, messages } = conversation
  const socket = connectTcp({ port: rds.port, host: 'localhost', noDelay: true })
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const part = (bytes: Buffer) => bytes.subarray(0, random(bytes.length + 1))
  const leave = async (stream: Duplex) => {
    const way = random(3)
    if (way === 0) stream.resume().end()
    else if (way === 1) socket.destroy()
    else socket.resetAndDestroy()
    await closed
  }

  const stage = random(3 + messages.length)
  if (stage === 0) {
    if (random(2) === 0) socket.write(part(tlsRequest))
    return leave(socket)
  }
  if (serverFirst) await heard(socket)
  socket.write(tlsRequest)
  if (!serverFirst) await heard(socket)
  if (stage === 1) {
    socket.write(part(clientHello))
    return leave(socket)
  }
  const secure = connectTls({ socket, secureContext, servername: 'localhost' })
  secure.on('error', () => {})
  await new Promise((resolve) => secure.once('secureConnect', resolve).once('close', resolve))
  for (const message of messages.slice(0, stage - 2)) {
    secure.write(message)
    await heard(secure)
  }
  secure.write(part(messages[stage - 2] ?? tlsRequest))
  return leave(secure)
}

const openDescriptors = () => readdirSync('/dev/fd').length

async function logIn(rds: LocalRds): Promise<void> {
  const session = await (rds.engine === 'postgres' ? pgClient(rds) : mysqlClient(rds))
  await session.end()
  await allClosed(rds)
}

describe.each(['postgres', 'mysql'] as const)('the %s endpoint', (engine) => {
  let rds: LocalRds

  beforeEach(async () => {
    rds = await startLocalRds({ engine, backend: inject(ENGINES[engine].url) })
  })
  afterEach(() => rds.close())

  test('closes the connection of a client that ends right after its TLS request', async () => {
    const { tlsRequest } = ENGINES[engine].conversation(rds, '')
    const socket = connectTcp({ port: rds.port, host: 'localhost' })
    const closed = once(socket, 'close')
    socket.resume().end(tlsRequest)
    await closed
    await allClosed(rds)
  })

  test('closes the connection of a client that ends right after a valid token', async () => {
    const { serverFirst, tlsRequest, messages } = ENGINES[engine].conversation(rds, await sign(rds))
    const socket = connectTcp({ port: rds.port, host: 'localhost' })
    if (serverFirst) await heard(socket)
    socket.write(tlsRequest)
    if (!serverFirst) await heard(socket)
    const secure = connectTls({ socket, ca: rds.ca, servername: 'localhost' })
    const [login = tlsRequest, token = tlsRequest] = messages
    secure.write(login)
    await heard(secure)
    const closed = once(secure, 'close')
    secure.resume().end(token)
    await closed
    await allClosed(rds)
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  test(
    'bears 5,000 connections that are dropped anywhere, and keeps nothing of them',
    async () => {
      const clientHello = await recordClientHello()
      await logIn(rds)
      const before = openDescriptors()
      const target = {
        rds,
        conversation: ENGINES[engine].conversation(rds, await sign(rds)),
        secureContext: createSecureContext({ ca: rds.ca }),
        clientHello,
        random: createRandom(1),
      }
      let left = CONNECTIONS
      const dropOnAndOn = async () => {
        while (left-- > 0) await openAndDrop(target)
      }
      await Promise.all(Array.from({ length: AT_ONCE }, dropOnAndOn))
      await allClosed(rds)
      await logIn(rds)
      // The backend closes its connections in its own time.
      await vi.waitFor(() => expect(openDescriptors()).toBeLessThanOrEqual(before), TIME_MS)
      const accepted = rds.logins.filter(({ verdict }) => verdict === 'accepted').length
      expect(accepted).toBeGreaterThan(CONNECTIONS / 10)
    },
    TIME_MS,
  )
})

/** A session that stays open, by the number that its server gave it. */
interface Session {
  id(): Promise<number>
  end(): Promise<unknown>
}

const OPEN: Record<'postgres' | 'mysql', (rds: LocalRds) => Promise<Session>> = {
  async postgres(rds) {
    const session = await pgClient(rds)
    const id = async () => {
      const { rows: found } = await session.query<{ id: number }>('select pg_backend_pid() as id')
      return found[0]?.id ?? 0
    }
    return { id, end: () => session.end() }
  },
  async mysql(rds) {
    const session = await mysqlClient(rds)
    const id = async () => Number((await rows(session, 'select connection_id() as id'))[0]?.['id'])
    return { id, end: () => session.end() }
  },
}

/** Does something with all of a list, with some at a time. */
async function inTurns<T, R>(list: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const left = list.entries()
  const workOnAndOn = async () => {
    for (const [index, item] of left) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, workOnAndOn))
  return results
}

// A PostgreSQL of ours lets 300 in.
const SESSIONS = { postgres: 1_000, mysql: 1_000 } as const

/** A server of its own with room for all sessions. */
const SERVERS: Record<'postgres' | 'mysql', () => Promise<DatabaseServer>> = {
  postgres: () => startPostgres(),
  async mysql() {
    const server = await startTestMysql()
    const admin = await mysql.createConnection(server.url)
    await admin.query(`set global max_connections = ${SESSIONS.mysql + 100}`)
    await admin.end()
    return server
  },
}

describe.each(['postgres', 'mysql'] as const)('the %s endpoint', (engine) => {
  test(
    `serves ${SESSIONS[engine]} idle sessions at once`,
    async () => {
      const server = await SERVERS[engine]()
      const rds = await startLocalRds({ engine, backend: server.url })
      try {
        const sessions = await inTurns(Array.from({ length: SESSIONS[engine] }), () => OPEN[engine](rds))
        expect(rds.openConnections).toBe(SESSIONS[engine])
        const ids = await inTurns(sessions, (session) => session.id())
        expect(new Set(ids).size).toBe(SESSIONS[engine])
        await inTurns(sessions, (session) => session.end())
        await allClosed(rds)
      } finally {
        await rds.close()
        await server.stop()
      }
    },
    TIME_MS,
  )
})
