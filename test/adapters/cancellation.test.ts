import { mysqlDialectConfig, postgresDialectConfig } from '@rds-iam/kysely'
import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import knex from 'knex'
import knex31 from 'knex-3.1'
import { Kysely, MysqlDialect, PostgresDialect, sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { rejection } from '../contract/outcome'

const oldestKnex = knex31 as unknown as typeof knex

const engines = [
  {
    engine: 'postgres',
    sleep: 'select pg_sleep(30)',
    running: `select count(*) as n from pg_stat_activity where state = 'active' and query like 'select pg_sleep(3%'`,
  },
  {
    engine: 'mysql',
    sleep: 'select sleep(30)',
    running: `select count(*) as n from information_schema.processlist where info like 'select sleep(3%'`,
  },
] as const

describe.each(engines)(
  'cancellation of a query on $engine when the first token has expired',
  ({ engine, sleep, running }) => {
    let rds: TestEndpoint
    beforeEach(async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
      rds = await startEndpoint({ engine })
    })
    afterEach(async () => {
      vi.useRealTimers()
      await rds.close()
    })

    it.each([
      ['the newest', knex],
      ['3.1', oldestKnex],
    ])('works in knex, %s', async (_, make) => {
      const client = engine === 'postgres' ? 'pg' : 'mysql2'
      const connection = engine === 'postgres' ? pgConnection(rds.options) : mysql2Connection(rds.options)
      const db = make({ client, connection, pool: { min: 0, max: 4 } })
      try {
        await db.raw('select 1')
        vi.setSystemTime(Date.now() + 16 * 60_000)
        const error = await rejection(Promise.resolve(db.raw(sleep).timeout(500, { cancel: true })))
        expect(error.name).toBe('KnexTimeoutError')
        await until(async () => Number((rowsOf(await db.raw(running))[0] as { n: unknown }).n) === 0)
        expect(rds.logins.every(({ verdict }) => verdict === 'accepted')).toBe(true)
      } finally {
        await db.destroy()
      }
    })

    it('works in kysely', async () => {
      const dialect =
        engine === 'postgres'
          ? new PostgresDialect(postgresDialectConfig({ ...rds.options, max: 4 }))
          : new MysqlDialect(mysqlDialectConfig({ ...rds.options, connectionLimit: 4 }))
      const db = new Kysely<unknown>({ dialect })
      try {
        await sql`select 1`.execute(db)
        vi.setSystemTime(Date.now() + 16 * 60_000)
        const countRunning = async () =>
          Number((await sql<{ n: unknown }>`${sql.raw(running)}`.execute(db)).rows[0]?.n)
        const abort = new AbortController()
        const options = { signal: abort.signal, inflightQueryAbortStrategy: 'cancel query' } as const
        const query = rejection(sql.raw(sleep).execute(db, options))
        await until(async () => (await countRunning()) === 1)
        // Kysely sets this to the outcome of the cancelled query.
        vi.spyOn(console, 'error').mockImplementation(() => {})
        abort.abort()
        await query
        await until(async () => (await countRunning()) === 0)
        // Three logins: for the query, for the count, and for kysely's cancellation.
        expect(rds.logins.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted', 'accepted'])
      } finally {
        await db.destroy()
      }
    })
  },
)

/** Repeats a query until the server returns true. */
async function until(question: () => Promise<boolean>): Promise<void> {
  while (!(await question()));
}

function rowsOf(result: unknown): unknown[] {
  return Array.isArray(result) ? (result[0] as unknown[]) : (result as { rows: unknown[] }).rows
}
