import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import { RdsIamError, type LoginRefusedEvent, type TokenRenewalFailedEvent } from '@rds-iam/core'
import { mariadbConfig } from '@rds-iam/core/mariadb'
import { pgConfig } from '@rds-iam/core/pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LoginOptions } from '../contract/adapter'
import { testAdapter } from '../contract/contract'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { nextMessages, ours, rejection } from '../contract/outcome'
import { PrismaClient as MysqlClient } from './prisma/mysql/client'
import { PrismaClient } from './prisma/postgres/client'
import { testExample } from './run-example'

testExample('prisma', ['postgres', 'mysql'])

describe('Prisma', () => {
  // Prisma's errors have the code and the message but no cause: read our error from the diagnostics channels.
  const channels = ['rds-iam:login.refused', 'rds-iam:token.renewal-failed']
  let told: unknown
  const listen = (event: unknown) => {
    told = (event as LoginRefusedEvent | TokenRenewalFailedEvent).error
  }
  beforeAll(() => channels.forEach((channel) => subscribe(channel, listen)))
  afterAll(() => channels.forEach((channel) => unsubscribe(channel, listen)))

  const patient = { timeout: 20_000, maxWait: 20_000 }
  testAdapter('with PostgreSQL', {
    engine: 'postgres',
    open(options, max) {
      const prisma = new PrismaClient({ adapter: new PrismaPg({ ...pgConfig(options), max }) })
      return {
        sql: (sql) => prisma.$queryRawUnsafe(sql),
        transaction: (work) => prisma.$transaction((tx) => work((sql) => tx.$queryRawUnsafe(sql)), patient),
        close: () => prisma.$disconnect(),
      }
    },
    driverError: (error) => {
      const { code, meta } = error as Error & { code: string; meta?: { driverAdapterError?: Error } }
      const cause = meta?.driverAdapterError?.cause as { originalCode?: string } | undefined
      if (code === 'CREDENTIALS_UNAVAILABLE' || cause?.originalCode === '28000') return told
      return code === 'ENDPOINT_UNKNOWN' ? new RdsIamError(code, error.message) : error
    },
  })
})

describe('Prisma with MySQL', () => {
  let rds: TestEndpoint
  let prisma: MysqlClient
  let logged: unknown[]

  function open(options: LoginOptions): void {
    // The driver logs the details that the adapter's errors lack.
    const logger = { error: (error: Error) => void logged.push(error) }
    const config = { ...mariadbConfig({ ...options, logger }), connectionLimit: 2, minimumIdle: 1 }
    prisma = new MysqlClient({ adapter: new PrismaMariaDb({ ...config, acquireTimeout: 3_000 }) })
  }
  const sql = (text: string) => prisma.$queryRawUnsafe<Record<string, unknown>[]>(text)
  /** This pool opens at most two connections. */
  const full = async () => {
    while (rds.logins.length % 2 !== 0) await once(rds.events, 'login')
  }

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now(), shouldAdvanceTime: true })
    logged = []
    rds = await startEndpoint({ engine: 'mysql' })
  })
  afterEach(async () => {
    vi.useRealTimers()
    await prisma.$disconnect()
    await rds.allClosed()
    await rds.close()
  })

  it('commits and rolls back', async () => {
    open(rds.options)
    await prisma.$executeRawUnsafe(`create table prisma_${rds.port} (id int)`)
    try {
      await prisma.$transaction((tx) => tx.$executeRawUnsafe(`insert into prisma_${rds.port} values (1)`))
      const failed = prisma.$transaction(async (tx) => {
        await tx.$executeRawUnsafe(`insert into prisma_${rds.port} values (2)`)
        throw new Error('changed my mind')
      })
      expect((await rejection(failed)).message).toContain('changed my mind')
      expect(await sql(`select id from prisma_${rds.port}`)).toEqual([{ id: 1 }])
    } finally {
      await prisma.$executeRawUnsafe(`drop table prisma_${rds.port}`)
    }
    await full()
  })

  it('logs in new connections when the first token has expired', async () => {
    open(rds.options)
    await sql('select 1 as one')
    await full()
    vi.setSystemTime(Date.now() + 16 * 60_000)
    const lost = nextMessages('rds-iam:connection.lost', 2)
    rds.dropConnections()
    await lost
    expect(await sql('select 2 as two')).toEqual([{ two: 2 }])
    await full()
    expect(rds.logins.map(({ verdict }) => verdict)).toEqual(Array(4).fill('accepted'))
    expect(rds.fetches()).toBe(2)
  })

  it('rejects and closes its connections when the server refuses the token', async () => {
    const credentials = { accessKeyId: 'AKIDNOBODY', secretAccessKey: 'nobody' }
    open({ ...rds.options, iam: { region: rds.region, credentials } })
    expect(await rejection(sql('select 1'))).toMatchObject({ code: 'P2010' })
    expect(logged[0]).toMatchObject({ errno: 1045 })
    expect(ours(logged[0])?.code).toBe('LOGIN_REFUSED')
    expect(new Set(rds.logins.map(({ verdict }) => verdict))).toEqual(new Set(['refused']))
  })

  it.each([
    ['no TLS', { tls: false }],
    ['a certificate for another host name', { endpoints: ['db.abc.us-east-1.rds.amazonaws.com'] }],
  ])('sends no token when the server offers %s', async (_, options) => {
    const other = await startEndpoint({ engine: 'mysql', ...options })
    open(other.options)
    await rejection(sql('select 1'))
    expect(logged).not.toEqual([])
    expect(other.logins).toEqual([])
    await other.close()
  })
})
