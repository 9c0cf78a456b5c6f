import { mysql2Connection } from '@rds-iam/knex'
import { mysqlDialectConfig } from '@rds-iam/kysely'
import knex from 'knex'
import { Kysely, MysqlDialect, sql } from 'kysely'

const options = {
  host: process.env.DB_HOST,
  port: Number(process.env.DB_PORT ?? 3306),
  user: 'jane_doe',
  database: 'app',
}

const knexDb = knex({ client: 'mysql2', connection: mysql2Connection(options) })
console.log((await knexDb.raw('select current_user()'))[0])
await knexDb.destroy()

const kyselyDb = new Kysely({
  dialect: new MysqlDialect(mysqlDialectConfig({ ...options, connectionLimit: 20 })),
})
console.log(await sql`select current_user()`.execute(kyselyDb))
await kyselyDb.destroy()
