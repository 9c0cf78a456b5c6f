import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import dns from 'node:dns'
import { once } from 'node:events'
import { connect } from 'node:net'
import { inspect } from 'node:util'
import { mariadbConfig } from '@rds-iam/core/mariadb'
import mariadb, { type ConnectionConfig } from 'mariadb'
import oldestMariadb from 'mariadb-3.4'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { ours, rejection } from '../contract/outcome'

describe.each([
  ['3.5', mariadb],
  ['3.4.5', oldestMariadb as unknown as typeof mariadb],
])('a configuration of mariadb %s', (_, { createConnection }) => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'mysql', users: ['jane_doe', 'john'] })
  })
  afterEach(async () => {
    await rds.allClosed()
    await rds.close()
  })

  async function logIn(config: ConnectionConfig): Promise<void> {
    const connection = await createConnection(config)
    await connection.query('select 1')
    await connection.end()
  }

  it('signs for the host, port and user that the application sets on the result', async () => {
    const host = 'db.abc.us-east-1.rds.amazonaws.com'
    const config = mariadbConfig({ ...rds.options, host, port: 1, user: 'nobody' })
    await logIn({ ...config, host: 'localhost', port: rds.port, user: 'john' })
    await logIn({ ...config, host: '127.0.0.1', port: rds.port, user: 'jane_doe' })
    expect(rds.logins).toMatchObject([
      { verdict: 'accepted', user: 'john' },
      { verdict: 'accepted', user: 'jane_doe' },
    ])
  })

  it.each([
    ['its result', () => connect(rds.port, 'localhost')],
    [
      'the callback',
      (callback: (error: null, socket: object) => void) => callback(null, connect(rds.port, 'localhost')),
    ],
  ])("keeps the caller's stream, which gives a socket by %s", async (_, stream) => {
    const iam = { ...rds.options.iam, endpoint: `localhost:${rds.port}` }
    await logIn({ ...mariadbConfig({ ...rds.options, stream, iam }), host: 'bastion.example', port: 22 })
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it("dials the host itself when the caller's stream calls back without a socket, as the driver does", async () => {
    await logIn(mariadbConfig({ ...rds.options, stream: (callback: () => void) => callback() }))
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it("sends no token when the caller's checkServerIdentity rejects the certificate", async () => {
    const ssl = { ca: rds.ca, checkServerIdentity: () => new Error('not this one') }
    const error = await rejection(logIn(mariadbConfig({ ...rds.options, ssl })))
    expect(inspect(error)).toContain('not this one')
    expect(rds.logins).toEqual([])
  })

  it.each([false, undefined, { rejectUnauthorized: false }])(
    'still verifies the certificate when ssl is set to %j in the result',
    async (ssl) => {
      await logIn({ ...mariadbConfig(rds.options), ssl } as ConnectionConfig)
      const other = await startEndpoint({
        engine: 'mysql',
        endpoints: ['db.abc.us-east-1.rds.amazonaws.com'],
      })
      await rejection(logIn({ ...mariadbConfig(other.options), ssl } as ConnectionConfig))
      expect(other.logins).toEqual([])
      await other.allClosed()
      await other.close()
    },
  )

  it('sends no token when its stream is removed', async () => {
    const config = { ...mariadbConfig(rds.options), ssl: { ca: rds.ca }, stream: undefined }
    await rejection(logIn(config as unknown as ConnectionConfig))
    expect(rds.logins.map(({ verdict }) => verdict)).not.toContain('accepted')
  })

  it('does not print the token when debug is turned on in the result', async () => {
    const printed: string[] = []
    const logger = { network: (text: string) => void printed.push(text) }
    const error = await rejection(logIn({ ...mariadbConfig(rds.options), logger }))
    expect(ours(error)?.code).toBe('INVALID_OPTION')
    expect(rds.logins.map(({ verdict }) => verdict)).not.toContain('accepted')
  })

  it('rejects with an error that the driver may change, and our error as its cause', async () => {
    const credentials = () => Promise.reject(new Error('no identity here'))
    const iam = { region: rds.region, credentials }
    const error = await rejection(logIn(mariadbConfig({ ...rds.options, iam })))
    expect(error).not.toBe(ours(error))
    expect(error.message).toBe(ours(error)?.message)
  })

  it('publishes a refused login once, a lost connection once, and a failed connection not at all', async () => {
    const published: string[] = []
    const listeners = ['login.refused', 'connection.lost'].map(
      (name) => [`rds-iam:${name}`, () => void published.push(name)] as const,
    )
    for (const [name, listener] of listeners) subscribe(name, listener)
    const config = mariadbConfig(rds.options)
    const connection = await createConnection(config)
    rds.setIdentities([])
    await rejection(createConnection(config))
    await rejection(createConnection({ ...config, port: 1 }))
    const lost = once(connection, 'error')
    rds.dropConnections()
    await lost
    for (const [name, listener] of listeners) unsubscribe(name, listener)
    expect(published).toEqual(['login.refused', 'connection.lost'])
  })

  it('rejects with TOKEN_TIMEOUT when the credential source hangs', async () => {
    const credentials = () => new Promise<never>(() => {})
    const iam = { region: rds.region, credentials, timeoutMs: 100 }
    expect(ours(await rejection(logIn(mariadbConfig({ ...rds.options, iam }))))?.code).toBe('TOKEN_TIMEOUT')
  })
})

describe.each([
  ['3.5', mariadb],
  ['3.4.5', oldestMariadb as unknown as typeof mariadb],
])('a connection of mariadb %s', (_, { createConnection }) => {
  const HOST = 'db.abcdefghijkl.us-east-1.rds.amazonaws.com'
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'mysql', endpoints: [HOST] })
    // Resolve the endpoint's name to this machine.
    vi.spyOn(dns, 'lookup').mockImplementation(((
      _host: string,
      { all }: dns.LookupOptions,
      done: Function,
    ) => {
      if (all) done(null, [{ address: '127.0.0.1', family: 4 }])
      else done(null, '127.0.0.1', 4)
    }) as unknown as typeof dns.lookup)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.useRealTimers()
    await rds.allClosed()
    await rds.close()
  })
  const open = () => createConnection(mariadbConfig({ ...rds.options, host: HOST }))

  it('kills a running query on destroy(), with a token for the endpoint although it dials an IP address', async () => {
    const connection = await open()
    connection.on('error', () => {})
    const query = rejection(connection.query('select sleep(600)'))
    connection.destroy()
    expect(await query).toMatchObject({ code: 'ER_CMD_NOT_EXECUTED_DESTROYED' })
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }, { verdict: 'accepted' }])
  })

  it.each([[undefined], [{ database: 'app' }]])(
    'logs in by changeUser(%j) when its first token has expired',
    async (change) => {
      vi.useFakeTimers({ toFake: ['Date'] })
      const connection = await open()
      vi.setSystemTime(Date.now() + 16 * 60_000)
      await connection.changeUser(change)
      await connection.query('select 1')
      await connection.end()
      expect(rds.logins).toMatchObject([{ verdict: 'accepted' }, { verdict: 'accepted' }])
    },
  )
})

it('mariadb 3.5 rejects with TOKEN_TIMEOUT when changeUser needs credentials that are not ready', async () => {
  const rds = await startEndpoint({ engine: 'mysql' })
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    let identity = Promise.resolve(rds.identity)
    const iam = { region: rds.region, credentials: () => identity }
    const connection = await mariadb.createConnection(mariadbConfig({ ...rds.options, iam }))
    connection.on('error', () => {})
    vi.setSystemTime(Date.now() + 16 * 60_000)
    identity = new Promise(() => {})
    const error = await rejection(connection.changeUser())
    expect(error).toMatchObject({ errno: 1045 })
    expect(ours(error)).toMatchObject({ code: 'TOKEN_TIMEOUT' })
  } finally {
    vi.useRealTimers()
    await rds.allClosed()
    await rds.close()
  }
})

it('mariadb 3.5 rejects with INVALID_OPTION when changeUser names another user', async () => {
  const rds = await startEndpoint({ engine: 'mysql', users: ['jane_doe', 'john'] })
  try {
    const connection = await mariadb.createConnection(mariadbConfig(rds.options))
    connection.on('error', () => {})
    const error = await rejection(connection.changeUser({ user: 'john' }))
    expect(error).toMatchObject({ errno: 1045 })
    expect(ours(error)).toMatchObject({ code: 'INVALID_OPTION' })
    connection.destroy()
  } finally {
    await rds.close()
  }
})
