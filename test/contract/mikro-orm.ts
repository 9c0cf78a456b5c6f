import { isRdsIamError, RdsIamError } from '@rds-iam/core'
import type { Adapter, Database, LoginOptions } from './adapter'
import type { ReplicatedAdapter } from './replication'

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
/** Creates MikroORM for one database, without connecting to it. */
type Open = (options: {
  dbName: string
  driverOptions: object
  user: string
  pool: { min: number; max: number }
  replicas?: { driverOptions: object }[]
  discovery: { warnWhenNoEntities: boolean }
  logger: () => void
}) => Orm
/** Creates `driverOptions`. */
type Configure = (options: LoginOptions) => object

/** An adapter for MikroORM, for any version. */
export function mikroOrm(engine: Adapter['engine'], open: Open, configure: Configure): Adapter {
  return {
    engine,
    open: (options, max) => database(open({ ...common(options, max), driverOptions: configure(options) })),
    // MikroORM rejects with a copy of the driver's error or of ours, with the same code and cause.
    driverError: (error) => {
      const { code, message, cause } = error as RdsIamError
      return code === 'CREDENTIALS_UNAVAILABLE' && !isRdsIamError(cause)
        ? new RdsIamError(code, message, { cause })
        : error
    },
  }
}

/** MikroORM with a read replica. */
export function replicatedMikroOrm(
  engine: Adapter['engine'],
  open: Open,
  configure: Configure,
): ReplicatedAdapter {
  return {
    engine,
    open(writer, reader) {
      const orm = open({
        ...common(writer, 4),
        driverOptions: configure(writer),
        replicas: [{ driverOptions: configure(reader) }],
      })
      const em = () => orm.em.fork()
      return {
        write: (sql) => em().getConnection('write').execute(sql),
        read: (sql) => em().getConnection('read').execute(sql),
        close: () => orm.close(),
      }
    },
  }
}

const common = ({ user, database }: LoginOptions, max: number) => ({
  dbName: database,
  user,
  pool: { min: 0, max },
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
