import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pgConfig } from '@rds-iam/core/pg'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { nextMessage, ours, rejection } from '../contract/outcome'

describe('a pg configuration', () => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'postgres', users: ['jane_doe', 'john'] })
  })
  afterEach(async () => {
    await rds.allClosed()
    await rds.close()
  })

  async function logIn(config: pg.ClientConfig): Promise<void> {
    const client = new pg.Client(config)
    try {
      await client.connect()
      await client.query('select 1')
    } finally {
      await client.end()
    }
  }

  it('signs for the host, port and user that the application sets on the result', async () => {
    const config = pgConfig({
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

  it('reads a connection string', async () => {
    const { user, database, ssl, iam } = rds.options
    await logIn(
      pgConfig({
        connectionString: `postgres://${user}@localhost:${rds.port}/${database}?sslmode=require`,
        ssl,
        iam,
      }),
    )
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it('begins with TLS when sslnegotiation is direct', async () => {
    await logIn({ ...pgConfig(rds.options), sslnegotiation: 'direct' } as pg.ClientConfig)
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it("uses the caller's own stream", async () => {
    const stream = () => {
      const socket = new Socket()
      const connect = socket.connect.bind(socket)
      socket.connect = (() => connect(rds.port, 'localhost')) as Socket['connect']
      return socket
    }
    const config = pgConfig({
      ...rds.options,
      stream,
      iam: { ...rds.options.iam, endpoint: `localhost:${rds.port}` },
    })
    expect(config.stream).toBe(stream)
    await logIn({ ...config, host: 'bastion.example', port: 22 })
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it("rejects when the caller's checkServerIdentity rejects the certificate", async () => {
    const seen: string[] = []
    const checkServerIdentity = (host: string) => {
      seen.push(host)
      return seen.length > 1 ? new Error('not this one') : undefined
    }
    const config = pgConfig({ ...rds.options, ssl: { ca: rds.ca, checkServerIdentity } })
    await logIn(config)
    expect((await rejection(logIn(config))).message).toContain('not this one')
    expect(seen).toEqual(['localhost', 'localhost'])
    expect(rds.logins).toHaveLength(1)
  })

  it('checks the host name, and closes the socket, when ssl and stream are replaced in the result', async () => {
    const other = await startEndpoint({
      engine: 'postgres',
      endpoints: ['db.abc.us-east-1.rds.amazonaws.com'],
    })
    const ssl = { ca: other.ca, checkServerIdentity: () => undefined }
    const pool = new pg.Pool({ ...pgConfig(other.options), ssl, stream: () => new Socket() })
    try {
      expect(ours(await rejection(pool.connect()))?.code).toBe('TLS_REQUIRED')
      await other.allClosed()
      expect(other.logins).toEqual([])
    } finally {
      await pool.end()
      await other.close()
    }
  })

  it.each([
    ['off', false],
    ['unverified', { rejectUnauthorized: false }],
  ])('sends no token when ssl is set to %s in the result', async (_, ssl) => {
    const error = await rejection(logIn({ ...pgConfig(rds.options), ssl }))
    expect(ours(error)?.code).toBe('TLS_REQUIRED')
    expect(rds.logins).toEqual([])
  })

  it('sends no token when ssl and stream are replaced and the certificate has the right name but an unknown CA', async () => {
    const unverified = { ssl: { rejectUnauthorized: false }, stream: () => new Socket() }
    const error = await rejection(logIn({ ...pgConfig(rds.options), ...unverified }))
    expect(ours(error)?.code).toBe('TLS_REQUIRED')
    expect(rds.logins).toEqual([])
  })

  it('trusts the CA certificates that the application sets on the result, and still checks the host name', async () => {
    const other = await startEndpoint({
      engine: 'postgres',
      endpoints: ['db.abc.us-east-1.rds.amazonaws.com'],
    })
    try {
      const config = pgConfig(rds.options)
      await logIn({ ...config, ssl: { ca: rds.ca } })
      await rejection(
        logIn({ ...config, port: other.port, ssl: { ca: other.ca, checkServerIdentity: () => undefined } }),
      )
      expect(other.logins).toEqual([])
    } finally {
      await other.close()
    }
  })

  it('still verifies certificates when NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
    const other = await startEndpoint({ engine: 'postgres' })
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      await rejection(logIn(pgConfig({ ...other.options, ssl: { ca: rds.ca } })))
      expect(other.logins).toEqual([])
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      await other.close()
    }
  })

  it('fetches new credentials when the server refuses a token, although the old credentials are valid', async () => {
    const asked: unknown[] = []
    const expiration = new Date(Date.now() + 3_600_000)
    const credentials = async (options?: object) => {
      asked.push(options)
      return { accessKeyId: 'AKIDREVOKED', secretAccessKey: 'revoked', expiration }
    }
    const pool = new pg.Pool(pgConfig({ ...rds.options, iam: { region: rds.region, credentials } }))
    await rejection(pool.connect())
    await rejection(pool.connect())
    await pool.end()
    expect(asked).toEqual([{ forceRefresh: false }, { forceRefresh: true }])
  })

  it('publishes an event when the server refuses a login', async () => {
    const refused = nextMessage('rds-iam:login.refused')
    const credentials = { accessKeyId: 'AKIDNOBODY', secretAccessKey: 'nobody' }
    const iam = { region: rds.region, credentials }
    await rejection(logIn(pgConfig({ ...rds.options, iam })))
    expect(await refused).toMatchObject({ user: rds.user, region: rds.region, error: { code: '28000' } })
  })

  it('rejects with REGION_UNKNOWN when the host is loopback and the environment has no region', async () => {
    const kept = { ...process.env }
    const { region: _, ...iam } = rds.options.iam ?? {}
    try {
      for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) delete process.env[name]
      process.env['AWS_CONFIG_FILE'] = process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null'
      expect(ours(await rejection(logIn(pgConfig({ ...rds.options, iam }))))?.code).toBe('REGION_UNKNOWN')
      process.env['AWS_REGION'] = rds.region
      await logIn(pgConfig({ ...rds.options, iam }))
    } finally {
      process.env = kept
    }
    expect(rds.logins).toHaveLength(1)
  })

  it('ignores an empty environment variable', async () => {
    const kept = { ...process.env }
    const folder = mkdtempSync(join(tmpdir(), 'rds-iam-test-'))
    const { region: _, ...iam } = rds.options.iam ?? {}
    try {
      for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) process.env[name] = ''
      process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null'
      process.env['AWS_CONFIG_FILE'] = join(folder, 'config')
      writeFileSync(join(folder, 'config'), `[default]\nregion = ${rds.region}\n`)
      await logIn(pgConfig({ ...rds.options, iam }))
    } finally {
      process.env = kept
      rmSync(folder, { recursive: true })
    }
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it('rejects a global endpoint without iam.region, even when the environment has a region', async () => {
    process.env['AWS_REGION'] = 'eu-west-1'
    try {
      const { region: _, ...iam } = rds.options.iam ?? {}
      const config = pgConfig({
        ...rds.options,
        iam,
        host: 'gdb.global-abcdefghijkl.global.rds.amazonaws.com',
      })
      expect(ours(await rejection(logIn(config)))?.code).toBe('REGION_UNKNOWN')
    } finally {
      delete process.env['AWS_REGION']
    }
  })
})
