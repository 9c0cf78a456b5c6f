import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { postgresConfig } from '@rds-iam/core/postgres'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { ours, rejection } from '../contract/outcome'

describe('a postgres.js configuration', () => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'postgres', users: ['jane_doe', 'john'] })
  })
  afterEach(async () => {
    await rds.allClosed()
    await rds.close()
  })

  async function logIn(config: object): Promise<void> {
    const sql = postgres({ ...config, max: 1 })
    try {
      await sql`select 1`
    } finally {
      await sql.end()
    }
  }

  it('signs for the host, port and user that it is spread with', async () => {
    const config = postgresConfig({ ...rds.options, host: 'db.abc.us-east-1.rds.amazonaws.com', user: 'x' })
    await logIn({ ...config, host: 'localhost', port: rds.port, user: 'john' })
    expect(rds.logins).toMatchObject([{ verdict: 'accepted', user: 'john' }])
  })

  it('says what is wrong when it is spread with an `ssl`', async () => {
    const error = await rejection(logIn({ ...postgresConfig(rds.options), ssl: 'require' }))
    expect(ours(error)?.code).toBe('TLS_REQUIRED')
    expect(rds.logins).toEqual([])
  })

  it('gives no token to a socket that is not its own', async () => {
    const open = await startEndpoint({ engine: 'postgres', tls: false })
    const socket = async () => {
      const dialled = connect(open.port, 'localhost')
      await once(dialled, 'connect')
      return dialled
    }
    try {
      await rejection(logIn({ ...postgresConfig(open.options), socket }))
      expect(open.logins.filter(({ accessKeyId }) => accessKeyId !== undefined)).toEqual([])
    } finally {
      await open.close()
    }
  })

  it('begins no TLS with a server that says more than that it may', async () => {
    const server = createServer((socket) => {
      // A request for the password before TLS, as somebody on the way could slip it in.
      socket.once('data', () => socket.write(Buffer.from([0x53, 0x52, 0, 0, 0, 8, 0, 0, 0, 3])))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const error = await rejection(logIn(postgresConfig({ ...rds.options, host: '127.0.0.1', port })))
    expect(ours(error)?.code).toBe('TLS_REQUIRED')
    server.close()
    await once(server, 'close')
  })
})
