import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { install } from '@sinonjs/fake-timers'
import { pgConfig } from '@rds-iam/core/pg'
import knex from 'knex'
import oldestKnex from 'knex-3.1'
import mysql from 'mysql2/promise'
import pg from 'pg'
import oldestPg from 'pg-8.11'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { mysql2Pool, pgPool, postgresJs } from '../contract/drivers'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { DSQL_ENDPOINT } from '../contract/endpoint-options'
import { knexPg } from '../contract/knex'
import { ours, rejection } from '../contract/outcome'
import { startDns, type TestDns } from '../servers/dns'

const MINUTE_MS = 60_000

describe.each([
  ['pg', pgPool(pg), ['postgresql']],
  // This version sends an SSLRequest first, and does not use ALPN.
  ['pg 8.11', pgPool(oldestPg as unknown as typeof pg), undefined],
  ['postgres.js', postgresJs(postgres), ['postgresql']],
])('TLS with %s', (_, { open }, protocols) => {
  it.each(['localhost', '127.0.0.1'])("names the cluster, not the tunnel's host %s", async (host) => {
    const seen: unknown[] = []
    const server = createTlsServer({
      SNICallback(name, done) {
        seen.push(name)
        done(new Error('enough seen'))
      },
      ALPNCallback({ protocols: offered }) {
        seen.push(offered)
        return 'postgresql'
      },
    })
    server.on('tlsClientError', () => {})
    // Direct TLS begins without a request.
    const front = protocols
      ? server
      : createServer((socket) => {
          socket.once('data', () => {
            socket.write('S')
            server.emit('connection', socket)
          })
        })
    front.listen(0)
    await once(front, 'listening')
    const { port } = front.address() as AddressInfo
    const credentials = { accessKeyId: 'AKIDTEST', secretAccessKey: 'test' }
    const db = open(
      { host, port, user: 'app', database: 'postgres', iam: { endpoint: DSQL_ENDPOINT, credentials } },
      1,
    )
    await rejection(db.sql('select 1'))
    await db.close()
    front.close()
    expect(seen).toContain(DSQL_ENDPOINT)
    expect(seen.find(Array.isArray)).toEqual(protocols)
  })
})

describe('a session', () => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'dsql' })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await rds.close()
  })

  it('of a pg Pool is replaced before 60 minutes, at a random time, and never while it is in use', async () => {
    let random = 0
    vi.spyOn(Math, 'random').mockImplementation(() => random)
    const clock = install({ toFake: ['setTimeout', 'clearTimeout'] })
    const pool = new pg.Pool({ ...pgConfig(rds.options), idleTimeoutMillis: 0 })
    try {
      const late = await pool.connect()
      random = 1
      const used = await pool.connect()
      const early = await pool.connect()
      late.release()
      early.release()
      clock.tick(44 * MINUTE_MS)
      expect(pool.totalCount).toBe(3)
      const gone = once(pool, 'remove')
      clock.tick(10 * MINUTE_MS)
      expect(pool.totalCount).toBe(2)
      expect(await gone).toEqual([early])
      await used.query('select 1')
      used.release()
      expect(pool.totalCount).toBe(1)
      clock.tick(2 * MINUTE_MS)
      expect(pool.totalCount).toBe(0)
    } finally {
      clock.uninstall()
      // It waits for clients that are in use, which a failed test has not released.
      void pool.end()
    }
  })

  describe.each([
    ['knex', knexPg(knex)],
    ['knex 3.1', knexPg(oldestKnex as unknown as typeof knex)],
  ])('of %s', (_, { open }) => {
    const pid = async (sql: (text: string) => Promise<Record<string, unknown>[]>) =>
      (await sql('select pg_backend_pid() as pid'))[0]?.['pid']

    it.each([
      ['is replaced before 60 minutes, and not while it is in use', {}, 40 * MINUTE_MS, 56 * MINUTE_MS],
      ["lives as long as the caller's maxLifetimeSeconds says", { maxLifetimeSeconds: 60 }, 50_000, 61_000],
    ])('%s', async (__, options, keptMs, replacedMs) => {
      const clock = install({ toFake: ['Date'], now: Date.now() })
      const db = open({ ...rds.options, ...options }, 1)
      const start = Date.now()
      try {
        const first = await pid(db.sql)
        clock.setSystemTime(start + keptMs)
        expect(await pid(db.sql)).toBe(first)
        await db.transaction(async (sql) => {
          clock.setSystemTime(start + replacedMs)
          expect(await pid(sql)).toBe(first)
        })
        expect(await pid(db.sql)).not.toBe(first)
        expect(await pid(db.sql)).toBe(await pid(db.sql))
      } finally {
        clock.uninstall()
        await db.close()
      }
    })

    it('has no maximum lifetime when maxLifetimeSeconds is 0', async () => {
      const clock = install({ toFake: ['Date'], now: Date.now() })
      const db = open({ ...rds.options, maxLifetimeSeconds: 0 } as typeof rds.options, 1)
      try {
        const first = await pid(db.sql)
        clock.setSystemTime(Date.now() + 90 * MINUTE_MS)
        expect(await pid(db.sql)).toBe(first)
      } finally {
        clock.uninstall()
        await db.close()
      }
    })
  })
})

describe('followCname to a cluster of Aurora DSQL', () => {
  const servers = dns.getServers()
  const ALIAS = 'db.shop.example'
  let names: TestDns
  let rds: TestEndpoint
  beforeEach(async () => {
    names = await startDns()
    names.aliases.set(ALIAS, DSQL_ENDPOINT)
    dns.setServers([names.address])
    rds = await startEndpoint({ engine: 'dsql' })
    // Resolve names that do not exist in DNS.
    vi.spyOn(dns, 'lookup').mockImplementation(((_: string, { all }: dns.LookupOptions, done: Function) => {
      if (all) done(null, [{ address: '127.0.0.1', family: 4 }])
      else done(null, '127.0.0.1', 4)
    }) as unknown as typeof dns.lookup)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    dns.setServers(servers)
    await Promise.all([names.close(), rds.close()])
  })
  const follow = () => {
    const { endpoint: _, region: __, ...iam } = rds.options.iam ?? {}
    return { ...rds.options, host: ALIAS, iam: { ...iam, followCname: true } }
  }

  it('logs in with postgres.js', async () => {
    const db = postgresJs(postgres).open(follow(), 1)
    expect(await db.sql('select 1 as one')).toEqual([{ one: 1 }])
    await db.close()
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it.each([
    ['pg, which would send the alias in TLS', pgPool(pg), `Aurora DSQL accepts only its own name`],
    ['mysql2, which speaks another protocol', mysql2Pool(mysql), 'use a driver for PostgreSQL'],
  ])('is refused with %s', async (_, { open }, message) => {
    const db = open(follow(), 1)
    const error = ours(await rejection(db.sql('select 1')))
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'host' })
    expect(error?.message).toContain(message)
    await db.close()
    await rds.allClosed()
    expect(rds.logins).toEqual([])
  })
})
