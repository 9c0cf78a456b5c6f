import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import knex, { type Knex } from 'knex'
import type { LoginOptions } from '../contract/adapter'
import { step } from './print'

const migrations = {
  async getMigrations() {
    return ['notes']
  },
  getMigrationName: (name: string) => name,
  async getMigration() {
    return {
      up: (db: Knex) =>
        db.schema.createTable('notes', (table) => {
          table.increments('id')
          table.string('text')
        }),
      down: (db: Knex) => db.schema.dropTable('notes'),
    }
  },
}

/** The main job with knex. */
export async function runKnex(
  engine: 'postgres' | 'mysql',
  options: LoginOptions,
  tokenEnded: () => Promise<void>,
): Promise<void> {
  const db =
    engine === 'postgres'
      ? knex({ client: 'pg', connection: pgConnection(options), pool: { min: 0, max: 20 } })
      : knex({ client: 'mysql2', connection: mysql2Connection(options), pool: { min: 0, max: 20 } })
  try {
    await step(
      () => 'knex migrates: the table notes is there',
      () => db.migrate.latest({ migrationSource: migrations }),
    )
    await step(
      (count) => `knex inserts and queries: ${count} notes`,
      async () => {
        await db('notes').insert([{ text: 'one' }, { text: 'two' }])
        return count(db)
      },
    )
    await step(
      (count) => `knex rolls a transaction back: still ${count} notes`,
      async () => {
        await db
          .transaction(async (trx) => {
            await trx('notes').insert({ text: 'never' })
            throw new Error('rolled back')
          })
          .catch(() => {})
        return count(db)
      },
    )
    const notes = await db.transaction(async (trx) => {
      await trx.raw('select 1')
      await step(
        () => 'the first token has ended; the connection that it opened is in use and stays open',
        tokenEnded,
      )
      return count(trx)
    })
    await step(
      (connections) =>
        `knex grows its pool from 1 to ${connections} connections at once (and ${notes} notes are there)`,
      () => grow(db),
    )
    await db.migrate.rollback({ migrationSource: migrations })
  } finally {
    await db.destroy()
  }
}

async function count(db: Knex): Promise<number> {
  const [row] = await db('notes').count({ n: '*' })
  return Number(row?.['n'])
}

/** Holds ten transactions open at the same time. */
async function grow(db: Knex): Promise<number> {
  const transactions = await Promise.all(Array.from({ length: 10 }, () => db.transaction()))
  await Promise.all(transactions.map((trx) => trx.raw('select 1')))
  await Promise.all(transactions.map((trx) => trx.commit()))
  return transactions.length
}
