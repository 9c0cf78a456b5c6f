import { pgConfig } from '@rds-iam/core/pg'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { withReplicas } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { afterAll, expect, inject } from 'vitest'
import { testAdapter } from '../contract/contract'
import { drizzleMysql2, drizzlePg } from '../contract/drizzle'
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

testAdapter('Drizzle with node-postgres', drizzlePg)
testAdapter('Drizzle with mysql2', drizzleMysql2)

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
