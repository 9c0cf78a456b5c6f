// The types that an application with kysely sees.
import { mysqlDialectConfig, postgresDialectConfig } from '@rds-iam/kysely'
import {
  Kysely,
  MysqlDialect,
  PostgresDialect,
  type MysqlDialectConfig,
  type PostgresCursorConstructor,
  type PostgresDialectConfig,
} from 'kysely'

interface Shop {
  orders: { id: number; total: number }
}
declare const Cursor: PostgresCursorConstructor

const options = { host: 'app.abcdefghijkl.eu-west-1.rds.amazonaws.com', user: 'app', database: 'shop' }

const postgresConfig = postgresDialectConfig({ ...options, max: 20, iam: { region: 'eu-west-1' } })
export const postgres = new Kysely<Shop>({ dialect: new PostgresDialect(postgresConfig) })
export const withCursor = new PostgresDialect({
  ...postgresConfig,
  cursor: Cursor,
  onCreateConnection: async (connection) => {
    for await (const _ of connection.streamQuery({ query: { kind: 'RawNode' } } as never, 10)) return
  },
})
export const orders: Promise<{ id: number; total: number }[]> = postgres
  .selectFrom('orders')
  .selectAll()
  .execute()
export const whole: PostgresDialectConfig = postgresConfig

const mysqlConfig = mysqlDialectConfig({ ...options, connectionLimit: 20, iam: { region: 'eu-west-1' } })
export const mysql = new Kysely<Shop>({ dialect: new MysqlDialect(mysqlConfig) })
export const added = new MysqlDialect({ ...mysqlConfig, onCreateConnection: async () => undefined })
export const wholeMysql: MysqlDialectConfig = mysqlConfig

// @ts-expect-error: an IAM login has no password
postgresDialectConfig({ ...options, password: 'secret' })
// @ts-expect-error: an IAM login has no password
mysqlDialectConfig({ ...options, password: 'secret' })
// @ts-expect-error: a misspelt option
postgresDialectConfig({ ...options, iam: { regoin: 'eu-west-1' } })
// @ts-expect-error: a misspelt option
mysqlDialectConfig({ ...options, iam: { regoin: 'eu-west-1' } })
