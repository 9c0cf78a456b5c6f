import { mysqlDialectConfig, postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, MysqlDialect, PostgresDialect, sql, type Generated } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { LoginOptions } from '../contract/adapter'
import { step } from './print'

interface Schema {
  tasks: { id: Generated<number>; title: string }
}

const migrations = {
  tasks: {
    up: (db: Kysely<Schema>) =>
      db.schema
        .createTable('tasks')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('title', 'varchar(100)')
        .execute(),
    down: (db: Kysely<Schema>) => db.schema.dropTable('tasks').execute(),
  },
}

/** The main job with kysely. */
export async function runKysely(
  engine: 'postgres' | 'mysql',
  options: LoginOptions,
  tokenEnded: () => Promise<void>,
): Promise<void> {
  const dialect =
    engine === 'postgres'
      ? new PostgresDialect(postgresDialectConfig({ ...options, max: 20 }))
      : new MysqlDialect(mysqlDialectConfig({ ...options, connectionLimit: 20 }))
  const db = new Kysely<Schema>({ dialect })
  const count = async (on: Kysely<Schema> = db) =>
    Number(
      (
        await on
          .selectFrom('tasks')
          .select(({ fn }) => fn.countAll().as('n'))
          .executeTakeFirstOrThrow()
      ).n,
    )
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  try {
    await step(
      () => 'kysely migrates: the table tasks is there',
      async () => {
        const { error } = await migrator.migrateToLatest()
        if (error) throw error
      },
    )
    await step(
      (tasks) => `kysely inserts and queries: ${tasks} tasks`,
      async () => {
        await db
          .insertInto('tasks')
          .values([
            { id: 1, title: 'one' },
            { id: 2, title: 'two' },
          ])
          .execute()
        return count()
      },
    )
    await step(
      (tasks) => `kysely rolls a transaction back: still ${tasks} tasks`,
      async () => {
        const failing = db.transaction().execute(async (trx) => {
          await trx.deleteFrom('tasks').execute()
          throw new Error('rolled back')
        })
        await failing.catch(() => {})
        return count()
      },
    )
    const tasks = await db.transaction().execute(async (trx) => {
      await sql`select 1`.execute(trx)
      await step(
        () => 'the first token has ended; the connection that it opened is in use and stays open',
        tokenEnded,
      )
      return count(trx)
    })
    await step(
      (connections) =>
        `kysely grows its pool from 1 to ${connections} connections at once (and ${tasks} tasks are there)`,
      () => grow(db),
    )
    await migrator.migrateDown()
  } finally {
    await db.destroy()
  }
}

/** Holds ten transactions open at the same time. */
async function grow(db: Kysely<Schema>): Promise<number> {
  const transactions = await Promise.all(Array.from({ length: 10 }, () => db.startTransaction().execute()))
  await Promise.all(transactions.map((trx) => sql`select 1`.execute(trx)))
  await Promise.all(transactions.map((trx) => trx.commit().execute()))
  return transactions.length
}
