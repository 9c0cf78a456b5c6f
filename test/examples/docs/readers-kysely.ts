import { postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, PostgresDialect, sql, type Generated } from 'kysely'

interface Database {
  orders: { id: Generated<number>; item: string }
}

const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app', max: 20 }
const open = (target: 'writer' | 'reader') =>
  new Kysely<Database>({
    dialect: new PostgresDialect(postgresDialectConfig({ ...login, iam: { target } })),
  })
const writer = open('writer')
const reader = open('reader')

await writer.insertInto('orders').values({ item: 'tea' }).execute()
console.log(await reader.selectFrom('orders').selectAll().execute())
console.log(await sql`select pg_is_in_recovery() as reader`.execute(reader))

await writer.destroy()
await reader.destroy()
