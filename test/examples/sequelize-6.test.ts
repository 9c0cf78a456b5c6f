import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { QueryTypes, Sequelize, type ConnectionError, type Options, type Transaction } from 'sequelize'
import { describe, expect } from 'vitest'
import type { Database, LoginOptions } from '../contract/adapter'
import { testAdapter } from '../contract/contract'
import { testReplication, type ReplicatedDatabase } from '../contract/replication'
import { testExample } from './run-example'

testExample('sequelize-6', ['postgres', 'mysql'], ({ output, logins }) => {
  expect(output).toContain('one: 1')
  expect(logins.postgres).toHaveLength(3)
})

describe.each([
  ['postgres', 'production'],
  ['mysql', 'warehouse'],
] as const)('the command of Sequelize 6 with %s', (engine, environment) => {
  const run = (command: string, result: string) =>
    testExample('sequelize-cli.cjs', [engine], ({ output }) => expect(output).toContain(result), [
      'node_modules/sequelize-cli/lib/sequelize',
      command,
      '--config=examples/sequelize-cli.cjs',
      '--migrations-path=examples/sequelize-migrations',
      `--env=${environment}`,
    ])
  run('db:migrate', '20260101000000-orders: migrated')
  run('db:migrate:status', 'up 20260101000000-orders')
  run('db:migrate:undo', '20260101000000-orders: reverted')
})

type Row = Record<string, unknown>

const driverError = (error: Error) => (error as ConnectionError).original

testAdapter('Sequelize 6 with postgres', {
  engine: 'postgres',
  open: (options, max) => database({ ...postgres(options), ...address(options), pool: { max } }),
  driverError,
})

testAdapter('Sequelize 6 with mysql', {
  engine: 'mysql',
  open: (options, max) => database({ ...mysql(options), ...address(options), pool: { max } }),
  driverError,
})

testReplication('Sequelize 6 with postgres', {
  engine: 'postgres',
  open: (writer, reader) => replicated(postgres(writer), writer, reader),
})

testReplication('Sequelize 6 with mysql', {
  engine: 'mysql',
  open: (writer, reader) => replicated(mysql(writer), writer, reader),
})

// Sequelize would open another connection to read the server version. Its types lack the option.
const knownVersion = { databaseVersion: '10.11.0' }

function postgres(options: LoginOptions): Options {
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

function mysql(options: LoginOptions): Options {
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

function address({ host, port }: LoginOptions) {
  return { host, port }
}

function database(options: Options): Database {
  const db = new Sequelize(options)
  const run = async (sql: string, transaction?: Transaction) =>
    (await db.query(sql, transaction ? { transaction } : {}))[0] as Row[]
  return {
    sql: (sql) => run(sql),
    transaction: (work) => db.transaction((transaction) => work((sql) => run(sql, transaction))),
    close: () => db.close(),
  }
}

function replicated(options: Options, writer: LoginOptions, reader: LoginOptions): ReplicatedDatabase {
  const db = new Sequelize({
    ...options,
    replication: { write: address(writer), read: [address(reader)] },
  })
  return {
    write: async (sql) => (await db.query(sql))[0] as Row[],
    read: (sql) => db.query<Row>(sql, { type: QueryTypes.SELECT }),
    close: () => db.close(),
  }
}
