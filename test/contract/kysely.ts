import { mysqlDialectConfig, postgresDialectConfig } from '@rds-iam/kysely'
import type { Kysely, MysqlDialectConfig, PostgresDialectConfig } from 'kysely'
import type { Adapter, Database } from './adapter'

type AnyKysely = Pick<Kysely<unknown>, 'executeQuery' | 'transaction' | 'destroy'>
type KyselyModule = typeof import('kysely')

/** An adapter for kysely with PostgresDialect, for any version of kysely. */
export function kyselyPg({ Kysely, PostgresDialect, CompiledQuery }: KyselyModule): Adapter {
  const open = (config: PostgresDialectConfig) =>
    new Kysely<unknown>({ dialect: new PostgresDialect(config) })
  return {
    engine: 'postgres',
    open: (options, max) => database(open(postgresDialectConfig({ ...options, max })), CompiledQuery),
  }
}

/** An adapter for kysely with MysqlDialect, for any version of kysely. */
export function kyselyMysql({ Kysely, MysqlDialect, CompiledQuery }: KyselyModule): Adapter {
  const open = (config: MysqlDialectConfig) => new Kysely<unknown>({ dialect: new MysqlDialect(config) })
  return {
    engine: 'mysql',
    open: (options, max) =>
      database(open(mysqlDialectConfig({ ...options, connectionLimit: max })), CompiledQuery),
  }
}

function database(db: AnyKysely, { raw }: KyselyModule['CompiledQuery']): Database {
  const run = async (on: Pick<AnyKysely, 'executeQuery'>, sql: string) =>
    (await on.executeQuery(raw(sql))).rows as Record<string, unknown>[]
  return {
    sql: (sql) => run(db, sql),
    transaction: (work) => db.transaction().execute((trx) => work((sql) => run(trx, sql))),
    close: () => db.destroy(),
  }
}
