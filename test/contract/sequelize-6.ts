import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { Sequelize, type ConnectionError, type Options, type Transaction } from 'sequelize'
import type { Adapter, Database, LoginOptions } from './adapter'

const driverError = (error: Error) => (error as ConnectionError).original

export const sequelize6Pg: Adapter = {
  engine: 'postgres',
  open: (options, max) => database({ ...postgres(options), ...address(options), pool: { max } }),
  driverError,
}

export const sequelize6Mysql2: Adapter = {
  engine: 'mysql',
  open: (options, max) => database({ ...mysql(options), ...address(options), pool: { max } }),
  driverError,
}

// Sequelize would open another connection to read the server version. Its types lack the option.
const knownVersion = { databaseVersion: '10.11.0' }

/** Sequelize's options for a server, without its address. */
export function postgres(options: LoginOptions): Options {
  const { user, password, ssl, stream } = pgConfig(options)
  return {
    dialect: 'postgres',
    ...knownVersion,
    database: options.database,
    username: user,
    dialectOptions: { ssl, stream },
    hooks: { beforeConnect: (config) => void Object.assign(config, { password }) },
    logging: false,
  }
}

/** Sequelize's options for a server, without its address. */
export function mysql(options: LoginOptions): Options {
  const { user, ssl, authPlugins, stream } = mysql2Config(options)
  return {
    dialect: 'mysql',
    ...knownVersion,
    database: options.database,
    username: user,
    dialectOptions: { ssl, authPlugins, stream },
    logging: false,
  }
}

export function address({ host, port }: LoginOptions) {
  return { host, port }
}

function database(options: Options): Database {
  const db = new Sequelize(options)
  const run = async (sql: string, transaction?: Transaction) =>
    (await db.query(sql, transaction ? { transaction } : {}))[0] as Record<string, unknown>[]
  return {
    sql: (sql) => run(sql),
    transaction: (work) => db.transaction((transaction) => work((sql) => run(sql, transaction))),
    close: () => db.close(),
  }
}
