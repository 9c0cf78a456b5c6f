import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { sql } from 'drizzle-orm'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { withReplicas } from 'drizzle-orm/pg-core'

const orders = pgTable('drizzle_orders', { id: integer().primaryKey(), item: text().notNull() })

// PostgreSQL: Drizzle makes the pool; each connection that it opens gets a token of its own.
const open = (host?: string) =>
  drizzle({ connection: { ...pgConfig({ host, user: 'jane_doe', database: 'app' }), max: 20 } })
const writer = open(process.env.DB_HOST)
const reader = open(process.env.DB_REPLICA_HOST)
const db = withReplicas(writer, [reader])

await db.execute(sql`create table if not exists ${orders} (id int primary key, item text not null)`)
await db.transaction(async (tx) => {
  await tx.insert(orders).values({ id: 1, item: 'tea' }).onConflictDoNothing()
})
console.log(await db.select().from(orders))
await db.execute(sql`drop table ${orders}`)
await Promise.all([writer.$client.end(), reader.$client.end()])

// MySQL and MariaDB.
const port = Number(process.env.DB_PORT ?? 3306)
const mysql = drizzleMysql({
  connection: {
    ...mysql2Config({ host: process.env.DB_HOST, port, user: 'jane_doe', database: 'app' }),
    connectionLimit: 20,
  },
})
console.log((await mysql.execute(sql`select current_user()`))[0])
mysql.$client.end()
