import type { ConnectionRetiredEvent } from '@rds-iam/core'
import mariadb from 'mariadb'
import oldestMariadb from 'mariadb-3.4'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Adapter, Database } from '../contract/adapter'
import { adapters } from '../contract/adapters'
import { mariadbConnections, mariadbPool } from '../contract/drivers'
import { ours, rejection } from '../contract/outcome'
import { record, startTestCluster, type TestCluster } from './test-cluster'

const [mysql2, knex, kysely] = await Promise.all([adapters.mysql2(), adapters.knex(), adapters.kysely()])
const mariadb34 = oldestMariadb as unknown as typeof mariadb

const drivers: [string, Adapter][] = [
  ['mysql2', mysql2['mysql2']],
  ['mysql2 3.15', mysql2['mysql2 3.15']],
  ['knex with mysql2', knex['knex with mysql2']],
  ['kysely with mysql2', kysely['kysely MysqlDialect']],
  ['mariadb', mariadbPool(mariadb)],
  // Its pool opens connections in the background, or none at all.
  ['mariadb 3.4', mariadbConnections(mariadb34)],
]

/** Opens connections, and gives them back. */
async function openConnections(db: Database, count: number): Promise<void> {
  let open = 0
  let giveBack: () => void = () => {}
  const allOpen = new Promise<void>((resolve) => (giveBack = resolve))
  const hold = () =>
    db.transaction(async (sql) => {
      await sql('select 1')
      if (++open === count) giveBack()
      await allOpen
    })
  await Promise.all(Array.from({ length: count }, hold))
}

const READ_ONLY = /--read-only option so it cannot execute this statement/
const INSERT = 'insert into t values (1)'

describe('after the writer of a MySQL cluster has changed', () => {
  let test: TestCluster
  let db: Database
  let retired: ReturnType<typeof record<ConnectionRetiredEvent>>
  beforeAll(async () => {
    test = await startTestCluster('mysql', 2)
    db = mysql2['mysql2'].open(test.options, 1)
    await db.sql('create table t (n int)')
    await db.close()
    retired = record('rds-iam:connection.retired')
  })
  afterEach(async () => {
    await db.close()
    retired.messages.length = 0
  })
  afterAll(() => test.close())

  const reasons = () => retired.messages.map(({ reason }) => reason)

  it.each(drivers)(
    '%s gets one read-only error from each connection to a reader, and then uses the writer',
    async (_, adapter) => {
      const reader = test.writer()
      await test.cluster.switchover()
      db = adapter.open(test.options, 2)
      await openConnections(db, 2)
      const errors: Error[] = []
      const inTransaction = await rejection(
        db.transaction(async (sql) => {
          const error = await rejection(sql(INSERT))
          // The transaction stays open, and the other connection fails meanwhile.
          expect(await sql('select 1 as one')).toEqual([{ one: 1 }])
          errors.push(await rejection(db.sql(INSERT)))
          expect(await sql('select 2 as two')).toEqual([{ two: 2 }])
          throw error
        }),
      )
      errors.push(inTransaction)
      for (const error of errors) {
        expect(error).toMatchObject({ errno: 1290 })
        expect(error.message).toMatch(READ_ONLY)
        expect(ours(error)).toBe(undefined)
      }

      await Promise.all([1, 2, 3, 4].map(() => db.sql(INSERT)))
      await test.allClosed(reader)
      expect(reasons()).toEqual(['NOT_WRITER', 'NOT_WRITER'])
    },
  )
})
