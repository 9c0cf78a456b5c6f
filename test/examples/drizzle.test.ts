import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { sql } from 'drizzle-orm'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle } from 'drizzle-orm/node-postgres'
import { withReplicas } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { afterAll, expect, inject } from 'vitest'
import { testAdapter } from '../contract/contract'
import { testReplication } from '../contract/replication'
import { testExample } from './run-example'

const migrated = ['drop table if exists drizzle_orders', 'drop schema if exists drizzle cascade']
afterAll(async () => {
  const server = new pg.Client(inject('postgresUrl'))
  await server.connect()
  for (const text of migrated) await server.query(text)
  await server.end()
})

testExample('drizzle', ['postgres', 'mysql'], ({ output, logins }) => {
  expect(output).toContain('tea')
  expect(logins.postgres).toHaveLength(2)
})

testAdapter('Drizzle with node-postgres', {
  engine: 'postgres',
  open(options, max) {
    const db = drizzle({ connection: { ...pgConfig(options), max } })
    return {
      sql: async (text) => (await db.execute(sql.raw(text))).rows,
      transaction: (work) =>
        db.transaction((tx) => work(async (text) => (await tx.execute(sql.raw(text))).rows)),
      close: () => db.$client.end(),
    }
  },
  driverError: ({ cause }) => cause,
})

testAdapter('Drizzle with mysql2', {
  engine: 'mysql',
  open(options, max) {
    const db = drizzleMysql({ connection: { ...mysql2Config(options), connectionLimit: max } })
    const rows = (result: unknown) => (result as [Record<string, unknown>[]])[0]
    return {
      sql: async (text) => rows(await db.execute(sql.raw(text))),
      transaction: (work) =>
        db.transaction((tx) => work(async (text) => rows(await tx.execute(sql.raw(text))))),
      close: () => db.$client.promise().end(),
    }
  },
  driverError: ({ cause }) => cause,
})

testReplication('Drizzle', {
  engine: 'postgres',
  open(writer, reader) {
    const primary = drizzle({ connection: pgConfig(writer) })
    const replica = drizzle({ connection: pgConfig(reader) })
    const db = withReplicas(primary, [replica])
    return {
      write: async (text) => (await db.execute(sql.raw(text))).rows,
      read: () => db.select({ one: sql<number>`1` }).from(sql`(select 1) as one`),
      async close() {
        await primary.$client.end()
        await replica.$client.end()
      },
    }
  },
})
