import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import type { Knex } from 'knex'
import type { Adapter, Database } from './adapter'

// Silence knex, which prints the errors that it rejects with.
const quiet = { warn() {}, error() {} }

/** An adapter for knex with the client pg, for any version of knex. */
export function knexPg(knex: (config: Knex.Config) => Knex): Adapter {
  return {
    engine: 'postgres',
    open: (options, max) =>
      database(
        knex({ client: 'pg', connection: pgConnection(options), pool: { min: 0, max }, log: quiet }),
        (result) => (result as { rows: Record<string, unknown>[] }).rows,
      ),
  }
}

/** An adapter for knex with the client mysql2, for any version of knex. */
export function knexMysql2(knex: (config: Knex.Config) => Knex): Adapter {
  return {
    engine: 'mysql',
    open: (options, max) =>
      database(
        knex({ client: 'mysql2', connection: mysql2Connection(options), pool: { min: 0, max }, log: quiet }),
        (result) => (result as [Record<string, unknown>[]])[0],
      ),
  }
}

function database(db: Knex, rows: (result: unknown) => Record<string, unknown>[]): Database {
  return {
    sql: async (sql) => rows(await db.raw(sql)),
    transaction: (work) => db.transaction((trx) => work(async (sql) => rows(await trx.raw(sql)))),
    close: () => db.destroy(),
  }
}
