import dns from 'node:dns'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { pgConfig } from '@rds-iam/core/pg'
import pg from 'pg'
import pg811 from 'pg-8.11'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTlsFront, type TlsFront } from '../cli/tls-front'
import { adapters } from '../contract/adapters'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { nextMessage, ours, rejection } from '../contract/outcome'
import { runProgram } from './child-program'

const versions: [string, typeof pg][] = [
  ['pg', pg],
  ['pg 8.11', pg811],
]

/** A message of an unknown type. */
const UNKNOWN_MESSAGE = Buffer.from([1, 0, 0, 0, 4])
/** AuthenticationCleartextPassword. */
const ASK_PASSWORD = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])

/** A credential source that settles when the test says so. */
class PendingCredentials {
  #fail!: (error: Error) => void
  readonly #promise = new Promise<never>((_, reject) => (this.#fail = reject))

  readonly source = () => this.#promise
  fail(): void {
    this.#fail(new Error('no identity here'))
  }
}

describe('a server that stops in the middle of a login', () => {
  let server: Server
  let front: TlsFront | undefined
  beforeEach(() => {
    // Keeps its side open when the client closes.
    server = createServer({ allowHalfOpen: true }).on('connection', (socket) => socket.on('error', () => {}))
  })
  afterEach(async () => {
    await front?.close()
    front = undefined
    server.close()
  })

  /** Makes the server respond with `answer`, inside TLS if `tls` is set. Returns login options. */
  async function serve(answer: (socket: Socket) => void, tls = false) {
    server.on('connection', answer).listen(0, 'localhost')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    if (tls) front = await startTlsFront('postgres', `postgres://localhost:${port}`)
    const credentials = new PendingCredentials()
    const options = {
      host: 'localhost',
      port: front?.port ?? port,
      user: 'app',
      database: 'app',
      ssl: { ca: front?.ca ?? '' },
      iam: { region: 'us-east-1', credentials: credentials.source },
    }
    return { options, credentials }
  }

  describe.each(versions)('%s', (_, { Client, Pool }) => {
    it.each([
      ['before TLS', false],
      ['inside TLS', true],
    ])(
      'closes its socket when the server sends an unknown message %s and stays connected',
      async (_where, tls) => {
        const { options } = await serve(
          (socket) => socket.once('data', () => socket.write(UNKNOWN_MESSAGE)),
          tls,
        )
        const credentials = { accessKeyId: 'AKIDAPP', secretAccessKey: 'secret' }
        const client = new Client(pgConfig({ ...options, iam: { ...options.iam, credentials } }))
        const ended = new Promise((resolve) => client.once('end', resolve))
        await rejection(client.connect())
        await ended
      },
    )

    it('calls back once when the server closes the connection and then the credentials fail', async () => {
      const { options, credentials } = await serve(
        (socket) => socket.once('data', () => socket.end(ASK_PASSWORD)),
        true,
      )
      const pool = new Pool(pgConfig(options))
      const errors: unknown[] = []
      await new Promise<void>((called) => {
        pool.connect((error) => {
          errors.push(error)
          called()
        })
      })
      const failed = nextMessage('rds-iam:token.renewal-failed')
      credentials.fail()
      await failed
      await setImmediate()
      expect(errors).toMatchObject([{ message: 'Connection terminated unexpectedly' }])
      await pool.end()
    })

    it('times out and frees its slot in the pool when the token is not ready', async () => {
      const { options, credentials } = await serve(
        (socket) => socket.once('data', () => socket.write(ASK_PASSWORD)),
        true,
      )
      const pool = new Pool({ ...pgConfig(options), max: 1, connectionTimeoutMillis: 1_000 })
      const closed = once(server, 'connection').then(([socket]) => once(socket as Socket, 'end'))
      expect((await rejection(pool.connect())).message).toContain('timeout')
      expect(pool.totalCount).toBe(0)
      await closed
      credentials.fail()
      await pool.end()
    })
  })

  const steps: [string, boolean, (socket: Socket, reached: () => void) => void][] = [
    ['after TCP', false, (_, reached) => reached()],
    ['after the TLS request', false, (socket, reached) => socket.once('data', reached)],
    [
      'during the TLS handshake',
      false,
      (socket, reached) => socket.once('data', () => socket.once('data', reached).write('S')),
    ],
    ['after TLS', true, (socket, reached) => socket.once('data', reached)],
    [
      'after the server requests the password',
      true,
      (socket, reached) => socket.once('data', () => socket.write(ASK_PASSWORD, reached)),
    ],
  ]
  it.each(steps)('rejects with our error when the credentials fail %s', async (_, tls, answer) => {
    let credentials = new PendingCredentials()
    const { options } = await serve((socket) => answer(socket, () => credentials.fail()), tls)
    const all = { ...(await adapters.pg()), ...(await adapters.knex()), ...(await adapters.kysely()) }
    for (const [name, { engine, open }] of Object.entries(all)) {
      if (engine !== 'postgres') continue
      credentials = new PendingCredentials()
      const db = open({ ...options, iam: { ...options.iam, credentials: credentials.source } }, 1)
      expect(ours(await rejection(db.sql('select 1')))?.code, name).toBe('CREDENTIALS_UNAVAILABLE')
      await db.close()
    }
  })
})

describe.each(versions)('the socket of %s', (_, { Client, Pool }) => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'postgres' })
  })
  afterEach(() => rds.close())

  it("connects when it was destroyed before connect(), as pg's own socket does", async () => {
    const client = new Client(pgConfig(rds.options))
    const { stream } = client.connection
    stream.destroy()
    await once(stream, 'close')
    await client.connect()
    await client.end()
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it('closes when it was destroyed right before connect()', async () => {
    const client = new Client(pgConfig(rds.options))
    client.connection.stream.destroy()
    expect((await rejection(client.connect())).message).toBe('Connection terminated unexpectedly')
    expect(client.connection.stream.destroyed).toBe(true)
  })

  it('frees its slot in the pool when pg times out while DNS resolves the alias', async () => {
    const servers = dns.getServers()
    const silent = createSocket('udp4').bind(0, '127.0.0.1')
    await once(silent, 'listening')
    dns.setServers([`127.0.0.1:${silent.address().port}`])
    try {
      const iam = { followCname: true, timeoutMs: 1_000 }
      const config = pgConfig({ ...rds.options, host: 'db.shop.example', iam })
      const pool = new Pool({ ...config, max: 1, connectionTimeoutMillis: 100 })
      expect((await rejection(pool.connect())).message).toContain('timeout')
      expect(pool.totalCount).toBe(0)
      await pool.end()
    } finally {
      dns.setServers(servers)
      silent.close()
    }
  })
})

it.each(['pg', 'pg-8.11'])(
  'the process keeps running, and exits by itself, when it ends a connection of %s in the tick of connect()',
  async (version) => {
    const rds = await startEndpoint({ engine: 'postgres' })
    try {
      const { status, stdout, stderr } = await runProgram(
        `import { pgConfig } from '@rds-iam/core/pg'
        const { Client } = (await import(given.pg)).default
        const credentials = async () => given.identity
        const config = pgConfig({ ...given.options, iam: { ...given.options.iam, credentials } })
        const actions = {
          'end the client': (client) => client.end(),
          'end the socket': ({ connection }) => connection.stream.end(),
          'destroy the socket': ({ connection }) => connection.stream.destroy(),
          'destroy the socket with an error': ({ connection }) => connection.stream.destroy(new Error('enough')),
        }
        for (const [name, action] of Object.entries(actions)) {
          const client = new Client(config)
          client.connect().catch(({ message }) => console.log(message))
          const ended = new Promise((resolve) => client.once('end', resolve))
          action(client)
          await ended
          console.log(name)
        }
        const client = new Client(config)
        void client.connect()
        client.unref()`,
        { pg: version, options: rds.options, identity: rds.identity },
      )
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      // The same output as with pg's own socket.
      expect(stdout.trimEnd().split('\n')).toEqual([
        'end the client',
        'write after end',
        'end the socket',
        'Connection terminated unexpectedly',
        'destroy the socket',
        'enough',
        'destroy the socket with an error',
      ])
      await rds.allClosed()
    } finally {
      await rds.close()
    }
  },
)
