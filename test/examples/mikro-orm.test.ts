import { MikroORM as MysqlORM } from '@mikro-orm/mysql'
import { MikroORM } from '@mikro-orm/postgresql'
import { isRdsIamError, RdsIamError } from '@rds-iam/core'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import type { Adapter, Database, LoginOptions } from '../contract/adapter'
import { testAdapter } from '../contract/contract'
import { testReplication, type ReplicatedAdapter } from '../contract/replication'
import { testExample } from './run-example'

testExample('mikro-orm', ['postgres', 'mysql'])

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
type Open = (options: {
  dbName: string
  driverOptions: object
  user: string
  pool: { max: number }
  replicas?: { driverOptions: object }[]
  discovery: { warnWhenNoEntities: boolean }
  logger: () => void
}) => Orm
const postgres: Open = (options) => new MikroORM(options)
const mysql: Open = (options) => new MysqlORM(options)

const common = ({ user, database }: LoginOptions, max: number) => ({
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

const replicated = (
  engine: Adapter['engine'],
  open: Open,
  config: (options: LoginOptions) => object,
): ReplicatedAdapter => ({
  engine,
  open(writer, reader) {
    const orm = open({
      ...common(writer, 4),
      driverOptions: config(writer),
      replicas: [{ driverOptions: config(reader) }],
    })
    const em = () => orm.em.fork()
    return {
      write: (sql) => em().getConnection('write').execute(sql),
      read: (sql) => em().getConnection('read').execute(sql),
      close: () => orm.close(),
    }
  },
})

testAdapter('MikroORM with PostgreSQL', adapter('postgres', postgres, pgConfig))
testAdapter('MikroORM with MySQL', adapter('mysql', mysql, mysql2Config))
testReplication('MikroORM with PostgreSQL', replicated('postgres', postgres, pgConfig))
testReplication('MikroORM with MySQL', replicated('mysql', mysql, mysql2Config))
