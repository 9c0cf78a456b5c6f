import { postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, PostgresDialect } from 'kysely'
import { kyselyHandler } from './kysely-handler'

const { DB_HOST: host, DB_PORT: port, DB_USER: user, DB_NAME: database } = process.env

// Outside the handler: one pool for as long as Lambda keeps the process.
const db = new Kysely<unknown>({
  dialect: new PostgresDialect(postgresDialectConfig({ host, port: Number(port), user, database, max: 2 })),
})

export const handler = kyselyHandler(db, 'pg_backend_pid()')
