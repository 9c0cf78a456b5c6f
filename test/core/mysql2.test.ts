import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import type { IamOptions } from '@rds-iam/core'
import { mysql2Config } from '@rds-iam/core/mysql2'
import mysql, { type ConnectionOptions, type PoolOptions } from 'mysql2/promise'
import { createConnection, createPoolCluster, type PoolConnection } from 'mysql2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { nextMessage, ours, rejection } from '../contract/outcome'

describe('a mysql2 configuration', () => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'mysql', users: ['jane_doe', 'john'] })
  })
  afterEach(async () => {
    await rds.allClosed()
    await rds.close()
  })

  /** A configuration with the caller's own stream. */
  function withStream(options: { ssl?: object; iam?: IamOptions }): ConnectionOptions {
    const stream = () => connect(rds.port, 'localhost')
    return mysql2Config({ ...rds.options, ...options, stream }) as ConnectionOptions
  }

  async function logIn(config: ConnectionOptions): Promise<void> {
    const connection = await mysql.createConnection(config)
    await connection.query('select 1')
    await connection.end()
  }

  it('signs for the host, port and user that the application sets on the result', async () => {
    const config = mysql2Config({
      ...rds.options,
      host: 'db.abc.us-east-1.rds.amazonaws.com',
      port: 1,
      user: 'nobody',
    })
    await logIn({ ...config, host: 'localhost', port: rds.port, user: 'john' })
    await logIn({ ...config, host: '127.0.0.1', port: rds.port, user: 'jane_doe' })
    expect(rds.logins).toMatchObject([
      { verdict: 'accepted', user: 'john' },
      { verdict: 'accepted', user: 'jane_doe' },
    ])
  })

  it('reads a URI', async () => {
    const { user, database, ssl, iam } = rds.options
    await logIn(mysql2Config({ uri: `mysql://${user}@localhost:${rds.port}/${database}`, ssl, iam }))
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it('signs for the new user of changeUser', async () => {
    const connection = await mysql.createConnection(mysql2Config(rds.options))
    await connection.changeUser({ user: 'john' })
    await connection.query('select 1')
    await connection.end()
    expect(rds.logins.map(({ user, verdict }) => [user, verdict])).toEqual([
      ['jane_doe', 'accepted'],
      ['john', 'accepted'],
    ])
  })

  it('adds its listeners to a connection only once when changeUser is called again', async () => {
    const connection = await mysql.createConnection(mysql2Config(rds.options))
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    for (let change = 0; change < 12; change++) await connection.changeUser({ user: 'john' })
    process.off('warning', note)
    const lost = nextMessage('rds-iam:connection.lost')
    rds.dropConnections()
    expect(await lost).toMatchObject({ user: 'john' })
    expect(warnings).toEqual([])
  })

  it('adds no error listener to a connection without a pool', async () => {
    const connection = createConnection(mysql2Config(rds.options))
    await once(connection, 'connect')
    expect(connection.listenerCount('error') + connection.listenerCount('connect')).toBe(0)
    connection.end()
  })

  it('fails in the same way as without our stream when it is destroyed before it dials', async () => {
    const peek = connect(rds.port, 'localhost')
    const [greeting] = (await once(peek, 'data')) as [Buffer]
    peek.destroy()
    const server = createServer((socket) => socket.on('error', () => {}).write(greeting)).listen(0)
    const config = { ...mysql2Config(rds.options), port: (server.address() as AddressInfo).port }
    const messages = []
    for (const options of [config, withoutStream(config)]) {
      const connection = createConnection(options)
      connection.destroy()
      const [error] = (await once(connection, 'error')) as [Error]
      messages.push(error.message)
    }
    server.close()
    expect(messages).toEqual(['write after end', 'write after end'])
  })

  it('logs in to each node of a PoolCluster', async () => {
    const cluster = createPoolCluster()
    cluster.add('writer', mysql2Config(rds.options) as PoolOptions)
    cluster.add('reader', mysql2Config({ ...rds.options, user: 'john' }) as PoolOptions)
    for (const node of ['writer', 'reader']) {
      const connection = await new Promise<PoolConnection>((resolve, reject) => {
        cluster.getConnection(node, (error, found) => (error ? reject(error) : resolve(found)))
      })
      connection.release()
    }
    await new Promise<void>((resolve) => cluster.end(() => resolve()))
    expect(rds.logins.map(({ user }) => user)).toEqual(['jane_doe', 'john'])
  })

  it("uses the caller's own stream", async () => {
    const stream = () => connect(rds.port, 'localhost')
    const config = mysql2Config({
      ...rds.options,
      stream,
      iam: { ...rds.options.iam, endpoint: `localhost:${rds.port}` },
    })
    expect(config.stream).toBe(stream)
    await logIn(config as ConnectionOptions)
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it('checks the certificate of an IP address, which mysql2 does not check', async () => {
    const named = await startEndpoint({ engine: 'mysql', endpoints: ['localhost'] })
    try {
      const error = await rejection(logIn(mysql2Config({ ...named.options, host: '127.0.0.1' })))
      expect(ours(error)?.code).toBe('TLS_REQUIRED')
      expect(named.logins).toEqual([])
    } finally {
      await named.close()
    }
  })

  it("sends no token when the caller's checkServerIdentity, which mysql2 ignores, rejects the certificate", async () => {
    const checkServerIdentity = () => new Error('not this one')
    const error = await rejection(
      logIn(mysql2Config({ ...rds.options, ssl: { ca: rds.ca, checkServerIdentity } })),
    )
    expect(ours(error)).toMatchObject({ code: 'TLS_REQUIRED', cause: { message: 'not this one' } })
    expect(rds.logins).toEqual([])
  })

  // mysql2 resumes TLS sessions. A resumed session has no certificate to check.
  it.each([
    ['to an IP address', () => mysql2Config({ ...rds.options, host: '127.0.0.1' })],
    [
      "with the caller's checkServerIdentity",
      () => mysql2Config({ ...rds.options, ssl: { ca: rds.ca, checkServerIdentity: () => undefined } }),
    ],
    ['without our stream', () => withoutStream(mysql2Config(rds.options))],
    [
      "with the caller's stream and checkServerIdentity",
      () => withStream({ ssl: { ca: rds.ca, checkServerIdentity: () => undefined } }),
    ],
    [
      "with the caller's stream to an IP address",
      () => withStream({ iam: { ...rds.options.iam, endpoint: `127.0.0.1:${rds.port}` } }),
    ],
  ])('logs in again %s', async (_, configure) => {
    const config = configure()
    await logIn(config)
    await logIn(config)
    expect(rds.logins.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted'])
  })

  it('sends no token on a resumed TLS session whose host name was not verified', async () => {
    const config = { ...withoutStream(mysql2Config(rds.options)), ssl: { ca: rds.ca } }
    await logIn(config)
    const error = ours(await rejection(logIn(config)))
    expect(error).toMatchObject({ code: 'TLS_REQUIRED', message: expect.stringContaining('resumed') })
    expect(rds.logins).toHaveLength(1)
  })

  it.each([
    ['off', false],
    ['unverified', { rejectUnauthorized: false, verifyIdentity: false }],
  ])('still verifies the certificate when ssl is set to %s in the result', async (_, ssl) => {
    await logIn({ ...mysql2Config(rds.options), ssl } as ConnectionOptions)
    const other = await startEndpoint({ engine: 'mysql', endpoints: ['db.abc.us-east-1.rds.amazonaws.com'] })
    try {
      await rejection(logIn({ ...mysql2Config(other.options), ssl } as ConnectionOptions))
      expect(other.logins).toEqual([])
    } finally {
      await other.close()
    }
  })

  it('sends no token when ssl and stream are replaced and the certificate has the right name but an unknown CA', async () => {
    const unverified = { ssl: { rejectUnauthorized: false }, stream: () => connect(rds.port, 'localhost') }
    const config = { ...mysql2Config(rds.options), ...unverified } as ConnectionOptions
    expect(ours(await rejection(logIn(config)))?.code).toBe('TLS_REQUIRED')
    expect(rds.logins).toEqual([])
  })

  it('sends no token to a host with a valid certificate when iam.endpoint names another endpoint', async () => {
    const iam = { ...rds.options.iam, endpoint: 'db.abc.us-east-1.rds.amazonaws.com' }
    const config = { ...withStream({ iam }), host: 'localhost' }
    for (const _ of ['first', 'resumed'])
      expect(ours(await rejection(logIn(config)))?.code).toBe('TLS_REQUIRED')
    expect(rds.logins).toEqual([])
  })

  it('sends no token on a TLS session that began with another host name and that mysql2 did not reject', async () => {
    const ssl = { ca: rds.ca, rejectUnauthorized: false, verifyIdentity: true }
    const iam = { ...rds.options.iam, endpoint: 'db.abc.us-east-1.rds.amazonaws.com' }
    const config = { ...withStream({ iam }), ssl } as ConnectionOptions
    for (const _ of ['first', 'resumed'])
      expect(ours(await rejection(logIn(config)))?.code).toBe('TLS_REQUIRED')
    expect(rds.logins).toEqual([])
  })

  it('sends no token without TLS when its stream is removed as well', async () => {
    const stream = () => connect(rds.port, 'localhost')
    const plain = { ...mysql2Config(rds.options), ssl: undefined, stream } as unknown as ConnectionOptions
    await rejection(logIn(plain))
    const open = await startEndpoint({ engine: 'mysql', tls: false })
    try {
      const config = {
        ...mysql2Config(open.options),
        ssl: undefined,
        stream: () => connect(open.port, 'localhost'),
      }
      expect(ours(await rejection(logIn(config as unknown as ConnectionOptions)))?.code).toBe('TLS_REQUIRED')
      expect(open.logins).toEqual([])
    } finally {
      await open.close()
    }
  })

  it('publishes the loss of an idle connection', async () => {
    const connection = await mysql.createConnection(mysql2Config(rds.options))
    connection.on('error', () => {})
    const lost = nextMessage('rds-iam:connection.lost')
    rds.dropConnections()
    expect(await lost).toMatchObject({ user: rds.user, endpoint: { host: 'localhost', port: rds.port } })
    connection.destroy()
  })

  it('does not print the token when debug is turned on in the result', async () => {
    const config = { ...mysql2Config(rds.options), debug: true } as ConnectionOptions
    const print = { log: console.log, trace: console.trace }
    console.log = console.trace = () => {}
    try {
      expect(ours(await rejection(logIn(config)))).toMatchObject({ code: 'INVALID_OPTION' })
    } finally {
      Object.assign(console, print)
    }
    expect(rds.logins).toEqual([])
  })
})

function withoutStream<T extends { stream: unknown }>(config: T): Omit<T, 'stream'> {
  const { stream: _, ...rest } = config
  return rest
}
