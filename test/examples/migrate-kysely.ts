import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { login } from './migrate'

const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ ...login, max: 20 }) }) })
console.log((await sql`select current_user`.execute(db)).rows)
await db.destroy()
