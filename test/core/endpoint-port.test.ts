import dns from 'node:dns'
import { connect } from 'node:net'
import { mysql2Config } from '@rds-iam/core/mysql2'
import mariadb from 'mariadb'
import mysql, { type ConnectionOptions } from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { mariadbConnections, mysql2Pool, pgPool, postgresJs } from '../contract/drivers'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import type { Engine } from '@rds-iam/local'
import { ours, rejection } from '../contract/outcome'

const ENDPOINT = 'db.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const ENGINE_PORTS: Record<Engine, number> = { postgres: 5432, mysql: 3306, dsql: 5432 }

/** An endpoint that accepts tokens for one port only. */
const startFor = (engine: Engine, port: number): Promise<TestEndpoint> =>
  startEndpoint({ engine, endpoints: [`${ENDPOINT}:${port}`] })

describe.each([
  ['pg', pgPool(pg)],
  ['postgres.js', postgresJs(postgres)],
  ['mysql2', mysql2Pool(mysql)],
  ['mariadb', mariadbConnections(mariadb)],
])('the port of iam.endpoint with %s', (_, { engine, open }) => {
  let rds: TestEndpoint
  afterEach(async () => {
    vi.restoreAllMocks()
    await rds.close()
  })
  const logIn = async (more: object) => {
    const db = open({ ...rds.options, ...more, iam: { ...rds.options.iam, endpoint: ENDPOINT } }, 1)
    try {
      await db.sql('select 1')
    } finally {
      await db.close()
    }
  }

  it("defaults to the engine's port through a tunnel", async () => {
    rds = await startFor(engine, ENGINE_PORTS[engine])
    await logIn({})
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it('defaults to the dialled port when the endpoint itself is dialled', async () => {
    rds = await startEndpoint({ engine, endpoints: [ENDPOINT] })
    const { port } = rds
    await rds.close()
    rds = await startEndpoint({ engine, port, endpoints: [`${ENDPOINT}:${port}`] })
    // Resolve a name that does not exist in DNS.
    vi.spyOn(dns, 'lookup').mockImplementation(((_: string, options: dns.LookupOptions, done: Function) => {
      if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }])
      else done(null, '127.0.0.1', 4)
    }) as unknown as typeof dns.lookup)
    await logIn({ host: ENDPOINT })
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it('is named in the LOGIN_REFUSED message', async () => {
    rds = await startFor(engine, 6000)
    const error = ours(await rejection(logIn({})))
    expect(error).toMatchObject({ code: 'LOGIN_REFUSED', message: expect.stringContaining('its port') })
    expect(error?.message).toContain(`${ENDPOINT}:${ENGINE_PORTS[engine]}`)
    expect(error?.message).toContain('AWS_SESSION_TOKEN is missing or belongs to other keys')
    expect(error?.message).toMatch(/`npx rds-iam doctor` looks for the cause\.\nSee /)
  })
})

it("the endpoint's port defaults to the engine's port when the caller's own stream dials a tunnel", async () => {
  const rds = await startFor('mysql', 3306)
  const config = mysql2Config({
    ...rds.options,
    iam: { ...rds.options.iam, endpoint: ENDPOINT },
    stream: () => connect(rds.port, 'localhost'),
  })
  const connection = await mysql.createConnection(config as ConnectionOptions)
  await connection.end()
  expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  await rds.close()
})
