import { retryConflicts } from '@rds-iam/core'
import { pgConfig } from '@rds-iam/core/pg'
import { pgConnection } from '@rds-iam/knex'
import { postgresDialectConfig } from '@rds-iam/kysely'
import knex from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

const login = { host: process.env.DB_HOST, user: 'admin' }

// kysely
interface Database {
  accounts: { id: number; balance: number }
}
const kysely = new Kysely<Database>({ dialect: new PostgresDialect(postgresDialectConfig(login)) })

await retryConflicts(() =>
  kysely.transaction().execute(async (trx) => {
    const add = (id: number, amount: number) =>
      trx
        .updateTable('accounts')
        .set((account) => ({ balance: account('balance', '+', amount) }))
        .where('id', '=', id)
        .execute()
    await add(1, -10)
    await add(2, 10)
  }),
)

// knex
const db = knex({ client: 'pg', connection: pgConnection(login), pool: { min: 0, max: 5 } })

await retryConflicts(() =>
  db.transaction(async (trx) => {
    await trx('accounts').where({ id: 1 }).decrement('balance', 10)
    await trx('accounts').where({ id: 2 }).increment('balance', 10)
  }),
)

// pg
const pool = new pg.Pool(pgConfig(login))

async function transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  } finally {
    client.release()
  }
}

await retryConflicts(
  () =>
    transaction(async (client) => {
      await client.query('update accounts set balance = balance - 10 where id = 1')
      await client.query('update accounts set balance = balance + 10 where id = 2')
    }),
  { maxAttempts: 10 },
)

console.log((await pool.query('select balance from accounts order by id')).rows)
await Promise.all([kysely.destroy(), db.destroy(), pool.end()])
