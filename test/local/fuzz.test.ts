import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { startLocalRds, type LocalRds } from '@rds-iam/local'
import fc from 'fast-check'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { allClosed } from './closed'
import { failure } from './failure'
import { sign } from './sign'

let rds: LocalRds

/** Connects, and reads what a server says first. */
async function open(): Promise<Socket> {
  const socket = connect({ port: rds.port, host: 'localhost', allowHalfOpen: false })
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (rds.engine === 'mysql') await once(socket, 'data')
  return socket
}

async function openTls(): Promise<TLSSocket> {
  const socket = await open()
  socket.write(rds.engine === 'mysql' ? mysqlPacket(1, mysqlResponse().subarray(0, 32)) : int32(8, 80877103))
  if (rds.engine === 'postgres') await once(socket, 'data')
  const secure = connectTls({ socket, ca: rds.ca, servername: 'localhost' })
  secure.on('error', () => {})
  await once(secure, 'secureConnect')
  return secure
}

/** Sends bytes as the last, and waits until the server has closed too. */
async function sendAndEnd(socket: Socket, ...chunks: Uint8Array[]): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume()
  for (const chunk of chunks) socket.write(chunk)
  socket.end()
  await closed
}

/** Sends bytes and waits for the server to close by itself. */
async function sendAndWait(socket: Socket, bytes: Uint8Array): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume()
  socket.write(bytes)
  await closed
}

function int32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, 4 * index))
  return bytes
}

function mysqlPacket(sequence: number, payload: Buffer, size = payload.length): Buffer {
  return Buffer.concat([Buffer.from([size & 255, (size >> 8) & 255, size >> 16, sequence]), payload])
}

const MYSQL_FLAGS = 0x8 | 0x200 | 0x800 | 0x8000 | 0x80000 | 0x100000 | 0x200000

function mysqlResponse(): Buffer {
  const head = Buffer.alloc(32)
  head.writeUInt32LE(MYSQL_FLAGS, 0)
  head.writeUInt32LE(0xffffff, 4)
  head.writeUInt8(45, 8)
  return Buffer.concat([head, Buffer.from('jane_doe\0\0app\0mysql_native_password\0\x03\x01a\x00', 'latin1')])
}

function startupMessage(): Buffer {
  const parameters = Buffer.from('user\0jane_doe\0database\0app\0\0')
  return Buffer.concat([int32(parameters.length + 8, 196608), parameters])
}

/** The messages that a client sends, up to and with a token that is refused. */
function clientMessages(): Buffer[] {
  const token = Buffer.from('localhost:1/?Action=connect\0')
  if (rds.engine === 'mysql') return [mysqlPacket(2, mysqlResponse()), mysqlPacket(4, token)]
  return [startupMessage(), Buffer.concat([Buffer.from('p'), int32(token.length + 4), token])]
}

async function logIn(): Promise<void> {
  const { host, port, user, database } = rds
  const token = await sign(rds)
  if (rds.engine === 'postgres') {
    const session = new pg.Client({ host, port, user, database, password: token, ssl: { ca: rds.ca } })
    await session.connect()
    return session.end()
  }
  const authPlugins = { mysql_clear_password: () => () => Buffer.from(`${token}\0`) }
  const session = await mysql.createConnection({
    host,
    port,
    user,
    database,
    ssl: { ca: rds.ca },
    authPlugins,
  })
  return session.end()
}

const bytes = fc.uint8Array({ maxLength: 300 })

describe.each(['postgres', 'mysql'] as const)('the %s endpoint', (engine) => {
  beforeEach(async () => {
    rds = await startLocalRds({ engine, backend: inject(engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl') })
  })

  // Whatever came before: nobody is left, and the next one is served.
  afterEach(async () => {
    vi.restoreAllMocks()
    await allClosed(rds)
    await logIn()
    await allClosed(rds)
    const accepted = rds.logins.filter(({ verdict }) => verdict === 'accepted').length
    await rds.close()
    if (accepted !== 1) throw new Error(`${accepted} logins were accepted, and one was right`)
  })

  test('closes the connection when it receives random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 3 }), async (chunks) =>
        sendAndEnd(await open(), ...chunks),
      ),
      { numRuns: 200 },
    )
  })

  test('closes the connection when it receives random bytes inside TLS', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 3 }), async (chunks) =>
        sendAndEnd(await openTls(), ...chunks),
      ),
      { numRuns: 100 },
    )
  })

  test('closes the connection when a message was altered', async () => {
    const changes = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const message = Buffer.concat(clientMessages())
        for (const [at, value] of list) message[at % message.length] = value
        await sendAndEnd(await openTls(), message)
      }),
      { numRuns: 150 },
    )
  })

  test('closes the connection when a message is cut off', async () => {
    const message = Buffer.concat(clientMessages())
    for (let size = 0; size < message.length; size++)
      await sendAndEnd(await openTls(), message.subarray(0, size))
  })

  test('closes the connection when the TLS handshake is cut off', async () => {
    const hello = await clientHello()
    for (let size = 0; size < hello.length; size += 7) await sendAndEnd(await open(), hello.subarray(0, size))
    const request = engine === 'mysql' ? mysqlPacket(1, mysqlResponse().subarray(0, 32)) : int32(8, 80877103)
    for (let size = 0; size < hello.length; size += 7)
      await sendAndEnd(await open(), Buffer.concat([request, hello.subarray(0, size)]))
  })

  test('closes the connection when a message is too long', async () => {
    const [first = Buffer.alloc(0)] = clientMessages()
    const opening =
      engine === 'mysql'
        ? [mysqlPacket(1, Buffer.from('x'), 0xffffff), mysqlPacket(1, Buffer.alloc(0))]
        : [
            [0x7fffffff, 196608],
            [10_001, 196608],
            [7, 196608],
            [0xffffffff, 80877103],
            [5_000, 80877102],
          ].map((values) => int32(...values))
    const later =
      engine === 'mysql'
        ? [70_000, 0xffffff].map((size) => mysqlPacket(4, Buffer.from('x'), size))
        : [0x7fffffff, 3].map((size) => Buffer.concat([Buffer.from('p'), int32(size)]))
    for (const message of opening)
      await sendAndWait(await open(), Buffer.concat([message, Buffer.alloc(20_000)]))
    for (const message of opening)
      await sendAndWait(await openTls(), Buffer.concat([message, Buffer.alloc(20_000)]))
    for (const message of later) await sendAndWait(await openTls(), Buffer.concat([first, message]))
  })

  test('serves a client that sends one byte at a time', async () => {
    const socket = await openTls()
    const replies: Buffer[] = []
    socket.on('data', (chunk: Buffer) => replies.push(chunk))
    for (const byte of Buffer.concat(clientMessages()))
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(Buffer.concat(replies).toString('latin1')).toContain(
      engine === 'mysql' ? '#28000Access denied for user' : 'PAM authentication failed for user "jane_doe"',
    )
    expect(rds.logins).toMatchObject([{ user: 'jane_doe', reason: 'PARAMETER_MISSING' }])
  })

  test('closes the connection when a login takes too long', async () => {
    const expired = new AbortController()
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(expired.signal)
    const sockets = [await open(), await openTls()]
    expect(timeout.mock.calls).toEqual([[60_000], [60_000]])
    const closed = sockets.map((socket) => new Promise((resolve) => socket.resume().once('close', resolve)))
    expired.abort()
    await Promise.all(closed)
  })

  test('closes the connection of a refused client as soon as the client closes its half', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockReturnValue(new AbortController().signal) // never
    const socket = await openTls()
    const replies: Buffer[] = []
    const ended = once(socket, 'end')
    socket.on('data', (chunk: Buffer) => replies.push(chunk))
    socket.write(Buffer.concat([...clientMessages(), Buffer.alloc(1_000_000)])) // more than anybody reads
    await ended
    expect(Buffer.concat(replies).toString('latin1')).toContain('28000')
    await allClosed(rds)
  })

  test('closes the connection when a refused client does not', async () => {
    const limits: AbortController[] = []
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
      const limit = new AbortController()
      limits.push(limit)
      return limit.signal
    })
    const socket = connect({ port: rds.port, host: 'localhost', allowHalfOpen: true })
    const ended = once(socket.resume(), 'end')
    if (engine === 'mysql') await once(socket, 'data')
    socket.write(engine === 'mysql' ? mysqlPacket(1, mysqlResponse()) : startupMessage()) // without TLS
    await ended
    expect(timeout.mock.calls.slice(0, 2)).toEqual([[60_000], [5_000]])
    expect(rds.openConnections).toBe(1)
    limits[1]?.abort()
    await allClosed(rds)
    socket.destroy()
  })

  test('keeps working when hundreds of connections open and close', async () => {
    const [first = Buffer.alloc(0)] = clientMessages()
    const behaviours: (() => Promise<unknown>)[] = [
      async () => (await open()).destroy(),
      async () => (await open()).resetAndDestroy(),
      async () => sendAndEnd(await open()),
      async () => (await openTls()).destroy(),
      async () => {
        const socket = await openTls()
        socket.write(first, () => socket.destroy())
      },
    ]
    const behave = async (index: number) => behaviours[index % behaviours.length]?.()
    for (let wave = 0; wave < 10; wave++)
      await Promise.all(Array.from({ length: 60 }, (_, index) => behave(index)))
  })
})

test('keeps serving other clients when a backend sends random bytes', async () => {
  let say: Uint8Array[] = []
  const backend = createServer((socket) => {
    socket.on('error', () => {}).resume()
    for (const chunk of say) socket.write(chunk)
    socket.end()
  }).listen(0, '127.0.0.1')
  await once(backend, 'listening')
  const { port } = backend.address() as AddressInfo
  for (const engine of ['postgres', 'mysql'] as const) {
    const scheme = engine === 'postgres' ? 'postgresql' : 'mysql'
    rds = await startLocalRds({ engine, backend: `${scheme}://x:y@127.0.0.1:${port}/app` })
    const greeting = Buffer.concat([
      Buffer.from([60, 0, 0, 0, 10]),
      Buffer.from('8.0\0'),
      Buffer.alloc(55, 0xff),
    ])
    const prefix = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from('R'),
      Buffer.from('E'),
      greeting,
      greeting.subarray(0, 30),
    )
    await fc.assert(
      fc.asyncProperty(prefix, fc.array(bytes, { maxLength: 3 }), async (start, chunks) => {
        say = [start, ...chunks]
        expect(await failure(logIn())).toBeInstanceOf(Error)
      }),
      { numRuns: 100 },
    )
    await allClosed(rds)
    await rds.close()
  }
  backend.close()
})

/** The first bytes that a TLS client sends. */
async function clientHello(): Promise<Buffer> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const client = connectTls({ port: (listener.address() as AddressInfo).port, host: '127.0.0.1' })
  client.on('error', () => {})
  const [socket] = (await once(listener, 'connection')) as [Socket]
  const [hello] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  client.destroy()
  listener.close()
  return hello
}
