import { pgConfig } from '@rds-iam/core/pg'
import { postgresConfig } from '@rds-iam/core/postgres'
import { pgConnection } from '@rds-iam/knex'
import { postgresDialectConfig } from '@rds-iam/kysely'
import knex from 'knex'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'

// abc0def1baz2quux3quuux4567.dsql.us-east-1.on.aws
const login = { host: process.env.DB_HOST, user: 'admin' }

const pool = new pg.Pool(pgConfig({ ...login, max: 20 }))
console.log((await pool.query('select current_user')).rows)
await pool.end()

const db = knex({ client: 'pg', connection: pgConnection(login), pool: { min: 0, max: 20 } })
console.log(await db.select(db.raw('current_user')))
await db.destroy()

const dialect = new PostgresDialect(postgresDialectConfig({ ...login, max: 20 }))
const kysely = new Kysely({ dialect })
console.log((await sql`select current_user`.execute(kysely)).rows)
await kysely.destroy()

const client = postgres(postgresConfig({ ...login, max: 20 }))
console.log(...(await client`select current_user`))
await client.end()
