import { setImmediate } from 'node:timers/promises'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { Sequelize, type AbstractDialect } from '@sequelize/core'
import { MySqlDialect } from '@sequelize/mysql'
import { PostgresDialect } from '@sequelize/postgres'
import type { Adapter, Database } from './adapter'

const driverError = ({ cause }: Error) => cause

export const sequelize7Pg: Adapter = {
  engine: 'postgres',
  open(options, max) {
    const { host, port, user, password, ssl, stream } = pgConfig(options)
    const login = { host, port, user, password, ssl, stream, database: options.database }
    return database(new Sequelize({ dialect: PostgresDialect, ...login, pool: { max } }))
  },
  driverError,
}

export const sequelize7Mysql2: Adapter = {
  engine: 'mysql',
  open: (options, max) =>
    database(new Sequelize({ dialect: MySqlDialect, ...mysql2Config(options), pool: { max } })),
  driverError,
}

function database<Dialect extends AbstractDialect>(db: Sequelize<Dialect>): Database {
  const run = async (sql: string) => (await db.query(sql))[0] as Record<string, unknown>[]
  return {
    sql: run,
    transaction: (work) => db.transaction(() => work(run)),
    async close() {
      // Sequelize 7 does not wait for a connection that it sets up, and rejects nowhere if the server closes that.
      const { write } = db.pool
      while (write.size > write.available + write.using) await setImmediate()
      await db.close()
    },
  }
}
