import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import knex, { type Knex } from 'knex'
import { Model } from 'objection'
import { expect } from 'vitest'
import type { Database } from '../contract/adapter'
import { testAdapter } from '../contract/contract'
import { testExample } from './run-example'

testExample('objection', ['postgres'], ({ output }) =>
  expect(output).toContain("Order { id: 1, item: 'tea' }"),
)

// Silence knex, which prints the errors that it rejects with.
const quiet = { warn() {}, error() {} }

testAdapter('Objection with pg', {
  engine: 'postgres',
  open: (options, max) =>
    database(
      knex({ client: 'pg', connection: pgConnection(options), pool: { min: 0, max }, log: quiet }),
      (result) => (result as { rows: Record<string, unknown>[] }).rows,
    ),
})

testAdapter('Objection with mysql2', {
  engine: 'mysql',
  open: (options, max) =>
    database(
      knex({ client: 'mysql2', connection: mysql2Connection(options), pool: { min: 0, max }, log: quiet }),
      (result) => (result as [Record<string, unknown>[]])[0],
    ),
})

class Order extends Model {
  static override tableName = 'orders'
}

function database(db: Knex, rows: (result: unknown) => Record<string, unknown>[]): Database {
  const Bound = Order.bindKnex(db)
  return {
    sql: async (sql) => rows(await Bound.knex().raw(sql)),
    transaction: (work) => Bound.transaction((trx) => work(async (sql) => rows(await trx.raw(sql)))),
    close: () => db.destroy(),
  }
}
