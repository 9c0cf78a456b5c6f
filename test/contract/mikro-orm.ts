import { MikroORM as MysqlORM } from '@mikro-orm/mysql'
import { MikroORM } from '@mikro-orm/postgresql'
import { isRdsIamError, RdsIamError } from '@rds-iam/core'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import type { Adapter, Database, LoginOptions } from './adapter'

interface Connection {
  execute(sql: string): Promise<Record<string, unknown>[]>
}
interface Orm {
  em: {
    fork(): {
      getConnection(type?: 'read' | 'write'): Connection
      transactional<T>(work: (em: Connection) => Promise<T>): Promise<T>
    }
  }
  close(): Promise<void>
}
/** Opens MikroORM for one engine. */
export type Open = (options: {
  dbName: string
  driverOptions: object
  user: string
  pool: { max: number }
  replicas?: { driverOptions: object }[]
  discovery: { warnWhenNoEntities: boolean }
  logger: () => void
}) => Orm
export const postgres: Open = (options) => new MikroORM(options)
export const mysql: Open = (options) => new MysqlORM(options)

export const common = ({ user, database }: LoginOptions, max: number) => ({
  dbName: database,
  user,
  pool: { max },
  discovery: { warnWhenNoEntities: false },
  // MikroORM prints a warning when a server closes a connection.
  logger() {},
})

function database(orm: Orm): Database {
  return {
    sql: (sql) => orm.em.fork().getConnection().execute(sql),
    transaction: (work) => orm.em.fork().transactional((em) => work((sql) => em.execute(sql))),
    close: () => orm.close(),
  }
}

const adapter = (
  engine: Adapter['engine'],
  open: Open,
  config: (options: LoginOptions) => object,
): Adapter => ({
  engine,
  open: (options, max) => database(open({ ...common(options, max), driverOptions: config(options) })),
  // MikroORM rejects with a copy of the driver's error or of ours, with the same code and cause.
  driverError: (error) => {
    const { code, message, cause } = error as RdsIamError
    return code === 'CREDENTIALS_UNAVAILABLE' && !isRdsIamError(cause)
      ? new RdsIamError(code, message, { cause })
      : error
  },
})

export const mikroPg = adapter('postgres', postgres, pgConfig)
export const mikroMysql2 = adapter('mysql', mysql, mysql2Config)
