import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { postgresConfig } from '@rds-iam/core/postgres'
import latest from 'postgres'
import oldest from 'postgres-3.4.4'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { ours, rejection } from '../contract/outcome'

describe.each([
  ['postgres.js', latest],
  ['postgres.js 3.4.4', oldest as unknown as typeof latest],
])('a failed attempt of %s', (_, postgres) => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'postgres' })
  })
  afterEach(async () => {
    await rds.allClosed()
    await rds.close()
  })

  /** Starts a server that calls `receive` with each connection. */
  async function startServer(receive: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
    const server = createServer((socket) => receive(socket.on('error', () => {}))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { server, port: (server.address() as AddressInfo).port }
  }

  it.each<[string, (socket: Socket) => void]>([
    ['refuses connections', (socket) => socket.destroy()],
    ['closes connections', (socket) => socket.end()],
    ['resets connections', (socket) => socket.resetAndDestroy()],
    ['closes after its answer to SSLRequest', (socket) => socket.once('data', () => socket.end('S'))],
    ['offers no TLS', (socket) => socket.once('data', () => socket.write('N'))],
    ['sends garbage in place of TLS', (socket) => socket.on('data', () => socket.write('S'.repeat(100)))],
  ])('counts for the back-off when the server %s', async (way, receive) => {
    const { server, port } = await startServer(receive)
    if (way === 'refuses connections') server.close()
    const counts: number[] = []
    const sql = postgres({
      ...postgresConfig({ ...rds.options, host: '127.0.0.1', port }),
      max: 1,
      backoff: ((failures: number) => {
        counts.push(failures)
        return 0
      }) as unknown as boolean,
    })
    for (let count = 0; count < 3; count++) await rejection(sql`select 1`)
    await sql.end()
    expect(counts).toEqual([1, 2, 3])
    server.close()
  })

  it('does not count for the back-off when the server closes a session', async () => {
    const counts: number[] = []
    let closed = () => {}
    const lost = new Promise<void>((resolve) => (closed = resolve))
    const sql = postgres({
      ...postgresConfig(rds.options),
      max: 1,
      backoff: ((failures: number) => {
        counts.push(failures)
        return 0
      }) as unknown as boolean,
      onclose: () => closed(),
    })
    await sql`select 1`
    rds.dropConnections()
    await lost
    expect(counts).toEqual([0])
    await sql.end()
  })

  it('rejects with CONNECT_TIMEOUT when the server does not respond', async () => {
    const { server, port } = await startServer((socket) => socket.resume())
    const accepted = once(server, 'connection')
    const config = postgresConfig({ ...rds.options, host: '127.0.0.1', port })
    const sql = postgres({ ...config, connect_timeout: 0.5 })
    const error = await rejection(sql`select 1`)
    expect(error).toMatchObject({ code: 'CONNECT_TIMEOUT', address: '127.0.0.1', port })
    const [socket] = (await accepted) as [Socket]
    if (!socket.closed) await once(socket, 'close')
    await sql.end()
    server.close()
  })

  it.each<[string, () => unknown]>([
    [
      'throws null',
      () => {
        throw null
      },
    ],
    ['rejects with a string', () => Promise.reject('no')],
    ['returns nothing', () => {}],
    ['returns no stream', () => ({ on() {} })],
  ])("rejects with INVALID_OPTION when the caller's socket function %s", async (_way, socket) => {
    const iam = { ...rds.options.iam, endpoint: `localhost:${rds.port}` }
    const sql = postgres({ ...postgresConfig({ ...rds.options, iam, socket }), max: 1 })
    for (let count = 0; count < 2; count++) {
      const error = await rejection(sql`select 1`)
      expect(error).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining('socket: ') })
    }
    await sql.end()
  })

  it("rejects when the caller's socket is closed already", async () => {
    const socket = () => connect(rds.port, 'localhost').destroy()
    const iam = { ...rds.options.iam, endpoint: `localhost:${rds.port}` }
    const sql = postgres({ ...postgresConfig({ ...rds.options, iam, socket }), max: 1 })
    await rejection(sql`select 1`)
    await sql.end()
  })

  it('rejects each login with its own error', async () => {
    const cause = new Error('no identity here')
    const iam = { region: rds.region, credentials: () => Promise.reject(cause) }
    const sql = postgres({ ...postgresConfig({ ...rds.options, iam }), max: 2 })
    const [first, second] = await Promise.all([rejection(sql`select ${1}`), rejection(sql`select ${2}`)])
    // postgres.js writes the query into the error.
    expect([first, second].map((error) => (error as Error & { args?: unknown }).args)).toEqual([[1], [2]])
    expect(ours(first)?.code).toBe('CREDENTIALS_UNAVAILABLE')
    expect(ours(first)).toBe(first)
    expect(first?.cause).toBe(cause)
    await sql.end()
  })

  it('tries the next host when a host fails', async () => {
    const plain = await startEndpoint({ engine: 'postgres', tls: false })
    const config = postgresConfig(rds.options)
    for (const host of [`127.0.0.1:${plain.port}`, 'db.example', '127.0.0.1:1']) {
      const sql = postgres({ ...config, host: `${host},localhost:${rds.port}`, max: 1 })
      expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
      await sql.end()
    }
    await plain.close()
  })

  it('tries the next host when the first does not respond', async () => {
    const { server, port } = await startServer((socket) => socket.resume())
    const host = `127.0.0.1:${port},localhost:${rds.port}`
    const sql = postgres({ ...postgresConfig({ ...rds.options, host }), max: 1, connect_timeout: 8 })
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
    await sql.end()
    server.close()
  })

  it('tries no other host when there are no credentials', async () => {
    const other = await startServer((socket) => socket.resume())
    let connections = 0
    other.server.on('connection', () => connections++)
    const credentials = () => Promise.reject(new Error('no identity here'))
    const host = `localhost:${rds.port},127.0.0.1:${other.port}`
    const sql = postgres({
      ...postgresConfig({ ...rds.options, host, iam: { region: rds.region, credentials } }),
      max: 1,
    })
    expect(ours(await rejection(sql`select 1`))?.code).toBe('CREDENTIALS_UNAVAILABLE')
    await sql.end()
    expect(connections).toBe(0)
    other.server.close()
  })
})
