import { postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, PostgresAdapter, PostgresDialect, sql, type MigrationLockOptions } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'

/** Locks migrations with a row, because Aurora DSQL has no advisory locks. */
class DsqlAdapter extends PostgresAdapter {
  readonly #holders = new WeakSet<object>()

  /** Kysely then runs each statement in a transaction of its own. */
  override get supportsTransactionalDdl() {
    return false
  }

  override async acquireMigrationLock(db: Kysely<unknown>, options: MigrationLockOptions) {
    const update = sql`update ${lockTable(options)} set is_locked = 1 where is_locked = 0`
    const { numAffectedRows } = await update.execute(db)
    if (numAffectedRows !== 1n) throw new Error(`the migrations are locked, see ${options.lockTable}`)
    this.#holders.add(db)
  }

  // Kysely also calls this when the lock was not acquired.
  override async releaseMigrationLock(db: Kysely<unknown>, options: MigrationLockOptions) {
    if (this.#holders.delete(db)) await sql`update ${lockTable(options)} set is_locked = 0`.execute(db)
  }
}

function lockTable({ lockTable, lockTableSchema }: MigrationLockOptions) {
  return sql.table(lockTableSchema ? `${lockTableSchema}.${lockTable}` : lockTable)
}

class DsqlDialect extends PostgresDialect {
  override createAdapter() {
    return new DsqlAdapter()
  }
}

// Each migration changes one thing: Aurora DSQL does not roll back the statements before one that fails.
const migrations: Record<string, Migration> = {
  '001_orders': {
    up: (db) =>
      db.schema
        .createTable('orders')
        .addColumn('id', 'uuid', (column) => column.primaryKey().defaultTo(sql`gen_random_uuid()`))
        .addColumn('item', 'text', (column) => column.notNull())
        .execute(),
    down: (db) => db.schema.dropTable('orders').execute(),
  },
  '002_orders_item': {
    up: (db) => sql`create index async orders_item on orders (item)`.execute(db).then(() => {}),
    down: (db) => db.schema.dropIndex('orders_item').execute(),
  },
}

const { DB_HOST } = process.env
const db = new Kysely<unknown>({
  dialect: new DsqlDialect(postgresDialectConfig({ host: DB_HOST, user: 'admin', max: 5 })),
})
const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
const { error, results } = await migrator.migrateToLatest()
for (const { migrationName, status } of results ?? []) console.log(migrationName, status)
await db.destroy()
if (error) throw error
