// The costs of a login in counts, which are the same on every machine. bench measures times.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { createTokenProvider, type IamOptions } from '@rds-iam/core'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'

/** A relay that counts what a client sends. */
async function startCounter(port: number) {
  const counted = { bytes: 0, connections: 0 }
  const server = createServer((client) => {
    counted.connections++
    client.on('data', (chunk) => (counted.bytes += chunk.length))
    const upstream = connect(port, '127.0.0.1')
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { counted, port: (server.address() as AddressInfo).port, stop: () => server.close() }
}

interface Login {
  host: string
  port: number
  user: string
  database: string
  ssl: object
}

interface Driver {
  ours(options: Login & { iam: IamOptions }): object
  static(options: Login, password: string): object
  connect(options: object): Promise<Connection>
}

interface Connection {
  query(text: string): Promise<unknown>
  end(): Promise<void>
}

const DRIVERS: Record<'postgres' | 'mysql', Driver> = {
  postgres: {
    ours: pgConfig,
    static: (options, password) => ({ ...options, password }),
    connect: async (options) => {
      const client = new pg.Client(options)
      await client.connect()
      return client
    },
  },
  mysql: {
    ours: mysql2Config,
    static: ({ ssl, ...options }, password) => ({
      ...options,
      ssl: { ...ssl, verifyIdentity: true },
      authPlugins: { mysql_clear_password: () => () => Buffer.from(`${password}\0`) },
    }),
    connect: (options) => mysql.createConnection(options),
  },
}

describe.each(['postgres', 'mysql'] as const)('%s', (engine) => {
  const driver = DRIVERS[engine]
  let endpoint: TestEndpoint
  beforeAll(async () => {
    endpoint = await startEndpoint({ engine })
  })
  afterAll(() => endpoint.close())

  const login = (through?: number) => {
    const { user, database } = endpoint
    return { host: endpoint.host, port: through ?? endpoint.port, user, database, ssl: { ca: endpoint.ca } }
  }

  it('fetches credentials once and signs once for 50 concurrent logins', async () => {
    let signatures = 0
    const count = () => signatures++
    subscribe('rds-iam:token.signed', count)
    const config = driver.ours({ ...login(), iam: endpoint.options.iam ?? {} })
    const connections = await Promise.all(Array.from({ length: 50 }, () => driver.connect(config)))
    unsubscribe('rds-iam:token.signed', count)
    for (const connection of connections) await connection.end()
    await endpoint.allClosed()
    expect({ fetches: endpoint.fetches(), signatures }).toEqual({ fetches: 1, signatures: 1 })
  })

  it('sends the same data until the first row as a login with a static token', async () => {
    const { host, port, user, region } = endpoint
    const provider = createTokenProvider({ host, port, user, region, credentials: endpoint.identity })
    const { value } = await provider.getToken()
    const sent = async (config: (through: number) => object) => {
      const counter = await startCounter(port)
      const connection = await driver.connect(config(counter.port))
      await connection.query('select 1')
      const { bytes, connections } = counter.counted
      await connection.end()
      counter.stop()
      return { bytes, connections }
    }
    const iam = { ...endpoint.options.iam, endpoint: `${host}:${port}` }
    const floor = await sent((through) => driver.static(login(through), value))
    expect(await sent((through) => driver.ours({ ...login(through), iam }))).toEqual(floor)
    expect(floor.connections).toBe(1)
  })
})
