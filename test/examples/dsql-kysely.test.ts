import { Kysely, PostgresDialect, type ColumnDefinitionBuilder } from 'kysely'
import { Migrator } from 'kysely/migration'
import pg from 'pg'
import { expect, it } from 'vitest'
import { DsqlEndpoint } from './dsql-endpoint'

const dsql = new DsqlEndpoint()

it('runs migrations once, and none while others hold the lock: test/examples/dsql-kysely.ts', () =>
  dsql.expectMigrations({
    program: 'dsql-kysely.ts',
    output: '001_orders Success\n002_orders_item Success\n',
    lock: 'kysely_migration_lock',
    locked: 'the migrations are locked, see kysely_migration_lock',
  }))

it.each([false, true])(
  'fails without an adapter, with disableTransactions: %s',
  async (disableTransactions) => {
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool(dsql.login) }) })
    const up = () => db.schema.createTable('one').execute()
    const provider = { getMigrations: () => Promise.resolve({ one: { up } }) }
    const { error } = await new Migrator({ db, provider, disableTransactions }).migrateToLatest()
    await db.destroy()
    // Kysely also releases the lock when it could not acquire it.
    expect(error).toMatchObject({ message: 'function pg_advisory_unlock not supported' })
  },
)

it('creates unique columns and foreign keys with their table, and a default after its column', async () => {
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool(dsql.login) }) })
  const { schema } = db
  await schema
    .createTable('one')
    .addColumn('id', 'uuid', (column) => column.primaryKey())
    .addColumn('item', 'text', (column) => column.unique())
    .addColumn('parent', 'uuid', (column) => column.references('one.id'))
    .execute()
  const colour = (column: ColumnDefinitionBuilder) => column.defaultTo('red')
  await expect(schema.alterTable('one').addColumn('colour', 'text', colour).execute()).rejects.toThrow(
    'ALTER TABLE ADD COLUMN with constraint not supported',
  )
  await schema.alterTable('one').addColumn('colour', 'text').execute()
  await schema
    .alterTable('one')
    .alterColumn('colour', (column) => column.setDefault('red'))
    .execute()
  await db.destroy()
})

it('can create an index only with raw SQL', async () => {
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool(dsql.login) }) })
  await dsql.query('create table one (item text)')
  const index = db.schema.createIndex('one_item').on('one').column('item')
  await expect(index.execute()).rejects.toThrow('please use CREATE INDEX ASYNC')
  await db.destroy()
})
