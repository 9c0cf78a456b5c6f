import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { sql } from 'drizzle-orm'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { integer, pgTable, text, withReplicas } from 'drizzle-orm/pg-core'

const login = { user: 'jane_doe', database: 'app' }
const orders = pgTable('drizzle_orders', { id: integer().primaryKey(), item: text().notNull() })

// PostgreSQL: Drizzle makes a pool with this configuration. Each connection gets its own token.
const open = (host?: string) => drizzle({ connection: { ...pgConfig({ ...login, host }), max: 20 } })
const writer = open(process.env.DB_HOST)
const reader = open(process.env.DB_REPLICA_HOST)
const db = withReplicas(writer, [reader])

await migrate(writer, { migrationsFolder: 'examples/drizzle-migrations' })
await db.transaction(async (tx) => {
  await tx.insert(orders).values({ id: 1, item: 'tea' })
})
console.log(await db.select().from(orders))
await writer.$client.end()
await reader.$client.end()

// MySQL and MariaDB.
const port = Number(process.env.DB_PORT ?? 3306)
const mysql = drizzleMysql({
  connection: { ...mysql2Config({ ...login, host: process.env.DB_HOST, port }), connectionLimit: 20 },
})
console.log((await mysql.execute(sql`select current_user()`))[0])
await mysql.$client.promise().end()
