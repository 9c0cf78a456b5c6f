import { mysqlDialectConfig, postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, MysqlDialect as Mysql, PostgresDialect as Postgres } from 'kysely'
import { generate, MysqlDialect, PostgresDialect } from 'kysely-codegen'

const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }

// PostgreSQL. The types are returned, and written to `outFile` if there is one.
const postgres = new Kysely({ dialect: new Postgres(postgresDialectConfig(login)) })
const postgresTypes = await generate({
  db: postgres,
  dialect: new PostgresDialect(),
  outFile: process.env.OUT_FILE ?? null,
})
console.log(postgresTypes)
await postgres.destroy()

// MySQL and MariaDB.
const port = Number(process.env.DB_PORT ?? 3306)
const mysql = new Kysely({ dialect: new Mysql(mysqlDialectConfig({ ...login, port })) })
const mysqlTypes = await generate({ db: mysql, dialect: new MysqlDialect(), outFile: null })
console.log(mysqlTypes)
await mysql.destroy()
