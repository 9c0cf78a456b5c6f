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
        return Number((await db('notes').count({ n: '*' }))[0]?.['n'])
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
        return Number((await db('notes').count({ n: '*' }))[0]?.['n'])
      },
    )
    const first = await db.transaction(async (trx) => {
      await trx.raw('select 1')
      await step(
        () => 'the first token has ended; the connection that it opened is in use and stays open',
        tokenEnded,
      )
      return trx('notes').count({ n: '*' })
    })
    await step(
      (connections) =>
        `knex grows its pool from 1 to ${connections} connections at once (and ${first[0]?.['n']} notes are there)`,
      () => grow(db),
    )
    await db.migrate.rollback({ migrationSource: migrations })
  } finally {
    await db.destroy()
  }
}

/** Holds ten transactions open at the same time. */
async function grow(db: Knex): Promise<number> {
  const transactions = await Promise.all(Array.from({ length: 10 }, () => db.transaction()))
  await Promise.all(transactions.map((trx) => trx.raw('select 1')))
  await Promise.all(transactions.map((trx) => trx.commit()))
  return transactions.length
}
