import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { QueryTypes, Sequelize, type AbstractDialect } from '@sequelize/core'
import { MySqlDialect } from '@sequelize/mysql'
import { PostgresDialect } from '@sequelize/postgres'
import { expect } from 'vitest'
import type { LoginOptions } from '../contract/adapter'
import { testAdapter } from '../contract/contract'
import { testReplication, type ReplicatedDatabase } from '../contract/replication'
import { sequelize7Mysql2, sequelize7Pg } from '../contract/sequelize-7'
import { testExample } from './run-example'

testExample('sequelize-7', ['postgres', 'mysql'], ({ output, logins }) => {
  expect(output).toContain('one: 1')
  expect(logins.postgres).toHaveLength(2)
})

type Row = Record<string, unknown>

testAdapter('Sequelize 7 with postgres', sequelize7Pg)
testAdapter('Sequelize 7 with mysql', sequelize7Mysql2)

testReplication('Sequelize 7 with postgres', {
  engine: 'postgres',
  open(writer, reader) {
    const { user, password, ssl, stream } = pgConfig(writer)
    const login = { user, password, ssl, stream, database: writer.database }
    const replication = { write: address(writer), read: [address(reader)] }
    return replicated(new Sequelize({ dialect: PostgresDialect, ...login, replication, pool: onlyOne }))
  },
})

testReplication('Sequelize 7 with mysql', {
  engine: 'mysql',
  open(writer, reader) {
    const replication = { write: address(writer), read: [address(reader)] }
    const login = mysql2Config(writer)
    return replicated(new Sequelize({ dialect: MySqlDialect, ...login, replication, pool: onlyOne }))
  },
})

// Sequelize 7 replaces a lost connection with two. If the server closes one during setup, a rejection is unhandled.
const onlyOne = { max: 1 }

function address({ host, port }: LoginOptions) {
  return { host, port }
}

function replicated<Dialect extends AbstractDialect>(db: Sequelize<Dialect>): ReplicatedDatabase {
  return {
    write: async (sql) => (await db.query(sql))[0] as Row[],
    read: (sql) => db.query<Row>(sql, { type: QueryTypes.SELECT }),
    close: () => db.close(),
  }
}
