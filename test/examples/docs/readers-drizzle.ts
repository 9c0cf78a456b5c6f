import { pgConfig } from '@rds-iam/core/pg'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, serial, text, withReplicas } from 'drizzle-orm/pg-core'

const orders = pgTable('orders', { id: serial().primaryKey(), item: text().notNull() })

const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }
const open = (target: 'writer' | 'reader') =>
  drizzle({ connection: { ...pgConfig({ ...login, iam: { target } }), max: 20 } })
const writer = open('writer')
const reader = open('reader')
const db = withReplicas(writer, [reader])

await db.insert(orders).values({ item: 'tea' }) // the writer
console.log(await db.select().from(orders)) // a reader
console.log((await reader.execute(sql`select pg_is_in_recovery() as reader`)).rows)

// A select that locks rows belongs to the writer: in a transaction, or with $primary.
await db.transaction(async (tx) => console.log(await tx.select().from(orders).for('update')))
console.log(await db.$primary.select().from(orders).for('update'))

await writer.$client.end()
await reader.$client.end()
