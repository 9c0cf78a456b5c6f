import { mysqlDialectConfig } from '@rds-iam/kysely'
import { Kysely, MysqlDialect } from 'kysely'
import { kyselyHandler } from './kysely-handler'

const { DB_HOST: host, DB_PORT: port, DB_USER: user, DB_NAME: database } = process.env

// Outside the handler: one pool for as long as Lambda keeps the process.
const db = new Kysely<unknown>({
  dialect: new MysqlDialect(
    mysqlDialectConfig({ host, port: Number(port), user, database, connectionLimit: 2 }),
  ),
})

export const handler = kyselyHandler(db, 'connection_id()')
