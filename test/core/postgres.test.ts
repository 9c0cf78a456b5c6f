import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { postgresConfig } from '@rds-iam/core/postgres'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { nextMessage, ours, rejection } from '../contract/outcome'

const ELSEWHERE = 'db.abc.us-east-1.rds.amazonaws.com'

describe('a postgres.js configuration', () => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'postgres', users: ['jane_doe', 'john'] })
  })
  afterEach(async () => {
    await rds.allClosed()
    await rds.close()
  })

  async function logIn(config: postgres.Options<{}>): Promise<void> {
    const sql = postgres({ ...config, max: 1 })
    try {
      await sql`select 1`
    } finally {
      await sql.end()
    }
  }

  it('signs for the host, port and user that the application sets on the result', async () => {
    const config = postgresConfig({ ...rds.options, host: ELSEWHERE, port: 1, user: 'nobody' })
    await logIn({ ...config, host: 'localhost', port: rds.port, user: 'john' })
    await logIn({ ...config, host: '127.0.0.1', port: rds.port, user: 'jane_doe' })
    expect(rds.logins).toMatchObject([
      { verdict: 'accepted', user: 'john' },
      { verdict: 'accepted', user: 'jane_doe' },
    ])
  })

  it('reads a URL', async () => {
    const { user, database, ssl, iam } = rds.options
    const url = `postgres://${user}@localhost:${rds.port}/${database}?sslmode=require&application_name=shop`
    const sql = postgres(postgresConfig(url, { ssl, iam, max: 1 }))
    expect(await sql`select current_setting('application_name') as name`).toEqual([{ name: 'shop' }])
    await sql.end()
  })

  it('tries the next of several hosts, also when the application sets them on the result', async () => {
    const closed = await startEndpoint({ engine: 'postgres' })
    await closed.close()
    const host = `localhost:${closed.port},127.0.0.1:${rds.port}`
    await logIn(postgresConfig({ ...rds.options, host }))
    await logIn({ ...postgresConfig(rds.options), host })
    expect(rds.logins.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted'])
    const none = postgresConfig({ ...rds.options, host: `localhost:${closed.port},127.0.0.1:${closed.port}` })
    expect(await rejection(logIn(none))).toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('tries the next host when the first does not match target_session_attrs', async () => {
    const sql = postgres({
      ...postgresConfig({ ...rds.options, host: `localhost:${rds.port},127.0.0.1:${rds.port}` }),
      target_session_attrs: 'primary',
      max: 1,
    })
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
    await sql.end()
  })

  it("uses the caller's own socket function", async () => {
    const socket = () => connect(rds.port, 'localhost')
    const iam = { ...rds.options.iam, endpoint: `localhost:${rds.port}` }
    await logIn({ ...postgresConfig({ ...rds.options, socket, iam }), host: 'bastion.example', port: 22 })
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it("rejects when the caller's checkServerIdentity rejects the certificate", async () => {
    const checkServerIdentity = () => new Error('not this one')
    const ssl = { ca: rds.ca, checkServerIdentity }
    const error = await rejection(logIn(postgresConfig({ ...rds.options, ssl })))
    expect(error.message).toContain('not this one')
    expect(rds.logins).toEqual([])
  })

  it.each(['require' as const, { rejectUnauthorized: false }])(
    'rejects when ssl is set to %j in the result',
    async (ssl) => {
      const error = await rejection(logIn({ ...postgresConfig(rds.options), ssl }))
      expect(ours(error)?.code).toBe('TLS_REQUIRED')
      expect(rds.logins).toEqual([])
    },
  )

  it('sends no token on a socket that it did not create', async () => {
    const open = await startEndpoint({ engine: 'postgres', tls: false })
    const config = postgresConfig(open.options)
    await rejection(logIn({ ...config, socket: () => connect(open.port, 'localhost') } as typeof config))
    expect(`${config.password()}`).toBe('')
    expect(open.logins.map(({ verdict }) => verdict)).not.toContain('accepted')
    await open.close()
  })

  it('still verifies certificates when NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
    const other = await startEndpoint({ engine: 'postgres' })
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      await rejection(logIn(postgresConfig({ ...other.options, ssl: { ca: rds.ca } })))
      expect(other.logins).toEqual([])
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      await other.close()
    }
  })

  it('does not start TLS when the server sends data after its reply to SSLRequest', async () => {
    const server = createServer((socket) => {
      // A password request before TLS, which an attacker on the network could inject.
      socket.once('data', () => socket.write(Buffer.from([0x53, 0x52, 0, 0, 0, 8, 0, 0, 0, 3])))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const error = await rejection(logIn(postgresConfig({ ...rds.options, host: '127.0.0.1', port })))
    expect(ours(error)?.code).toBe('TLS_REQUIRED')
    server.close()
    await once(server, 'close')
  })

  it('keeps its slot in the pool when a login fails', async () => {
    let fails = true
    const found = rds.identity
    const credentials = async () => {
      if (fails) throw new Error('no identity here')
      return found
    }
    const sql = postgres({
      ...postgresConfig({ ...rds.options, iam: { region: rds.region, credentials } }),
      max: 1,
    })
    expect(ours(await rejection(sql`select 1`))?.code).toBe('CREDENTIALS_UNAVAILABLE')
    fails = false
    expect(await sql`select 2 as two`).toEqual([{ two: 2 }])
    await sql.end()
  })

  it('logs in the connection that cancels a query', async () => {
    let runs = () => {}
    const running = new Promise<void>((resolve) => (runs = resolve))
    const sql = postgres({ ...postgresConfig(rds.options), max: 1, onnotice: () => runs() })
    const slow = sql`do $$ begin raise notice 'it runs'; perform pg_sleep(60); end $$`
    const failed = rejection(slow)
    await running
    slow.cancel()
    expect(await failed).toMatchObject({ code: '57014' })
    await sql.end()
  })

  it('rejects with TOKEN_TIMEOUT when the credential source hangs', async () => {
    const credentials = () => new Promise<never>(() => {})
    const slow = postgresConfig({ ...rds.options, iam: { region: rds.region, credentials, timeoutMs: 100 } })
    expect(ours(await rejection(logIn(slow)))?.code).toBe('TOKEN_TIMEOUT')
  })

  it('publishes an event when a connection is lost and when a login is refused', async () => {
    const sql = postgres({ ...postgresConfig(rds.options), max: 1 })
    await sql`select 1`
    const lost = nextMessage('rds-iam:connection.lost')
    rds.dropConnections()
    expect(await lost).toMatchObject({ user: rds.user, endpoint: { host: 'localhost', port: rds.port } })
    await sql.end()
    const refused = nextMessage('rds-iam:login.refused')
    rds.setIdentities([])
    await rejection(logIn(postgresConfig(rds.options)))
    expect(await refused).toMatchObject({ user: rds.user, error: { name: 'PostgresError', code: '28000' } })
  })
})
