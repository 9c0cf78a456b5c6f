import { mysqlDialectConfig, postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'

const options = {
  host: 'mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com',
  user: 'jane_doe',
  database: 'app',
}
const postgres = new Kysely({
  dialect: new PostgresDialect(postgresDialectConfig({ ...options, max: 20 })),
})
const mysql = new Kysely({
  dialect: new MysqlDialect(mysqlDialectConfig({ ...options, connectionLimit: 20 })),
})

// When the application stops:
await postgres.destroy()
await mysql.destroy()
