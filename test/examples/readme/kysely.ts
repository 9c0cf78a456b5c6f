import { postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, PostgresDialect, sql } from 'kysely'

const options = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app', max: 20 }
const db = new Kysely({ dialect: new PostgresDialect(postgresDialectConfig(options)) })

console.log(await sql`select current_user`.execute(db))
await db.destroy()
