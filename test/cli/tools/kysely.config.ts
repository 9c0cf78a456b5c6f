import { MysqlDialect, PostgresDialect } from 'kysely'
import { defineConfig } from 'kysely-ctl'
import { createPool } from 'mysql2'
import pg from 'pg'

const url = process.env['DATABASE_URL'] ?? ''
export default defineConfig({
  dialect: url.startsWith('mysql')
    ? new MysqlDialect({ pool: createPool(url) })
    : new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
})
