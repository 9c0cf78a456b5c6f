import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { DataSource } from 'typeorm'
import { expect } from 'vitest'
import type { Database } from '../contract/adapter'
import { testAdapter } from '../contract/contract'
import { testReplication } from '../contract/replication'
import { testExample } from './run-example'

testExample('typeorm', ['postgres', 'mysql'], ({ output }) => expect(output).toContain("item: 'tea'"))

testExample('typeorm-replication', ['postgres', 'mysql'], ({ logins }) => {
  expect(logins.postgres).toHaveLength(2)
})

testAdapter('TypeORM with postgres', {
  engine: 'postgres',
  open: (options, max) =>
    database(new DataSource({ type: 'postgres', extra: { ...pgConfig(options), max }, logging: false })),
})

testAdapter('TypeORM with mysql', {
  engine: 'mysql',
  open: (options, max) =>
    database(new DataSource({ type: 'mysql', extra: { ...mysql2Config(options), connectionLimit: max } })),
})

testReplication('TypeORM with postgres', {
  engine: 'postgres',
  open(writer, reader) {
    const { user: username, password, ssl, stream } = pgConfig(writer)
    const login = { username, password, ssl, database: writer.database }
    return replicated(
      new DataSource({
        type: 'postgres',
        replication: {
          master: { ...login, host: writer.host, port: writer.port },
          slaves: [{ ...login, host: reader.host, port: reader.port }],
        },
        extra: { stream },
        poolErrorHandler: () => {},
      }),
    )
  },
})

testReplication('TypeORM with mysql', {
  engine: 'mysql',
  open(writer, reader) {
    const { user: username, ssl, authPlugins, stream } = mysql2Config(writer)
    const login = { username, database: writer.database }
    return replicated(
      new DataSource({
        type: 'mysql',
        replication: {
          master: { ...login, host: writer.host, port: writer.port },
          slaves: [{ ...login, host: reader.host, port: reader.port }],
        },
        extra: { ssl, authPlugins, stream },
      }),
    )
  },
})

function database(source: DataSource): Database {
  const ready = initialized(source)
  return {
    sql: async (sql) => (await ready()).query(sql),
    transaction: async (work) => (await ready()).transaction((manager) => work((sql) => manager.query(sql))),
    close: async () => void (source.isInitialized && (await source.destroy())),
  }
}

function replicated(source: DataSource) {
  const ready = initialized(source)
  const on = (mode: 'master' | 'slave') => async (sql: string) => {
    const runner = (await ready()).createQueryRunner(mode)
    return runner.query(sql).finally(() => runner.release())
  }
  return { write: on('master'), read: on('slave'), close: () => source.destroy() }
}

function initialized(source: DataSource): () => Promise<DataSource> {
  let starting: Promise<DataSource> | undefined
  return () =>
    (starting ??= source.initialize().catch((error: unknown) => {
      starting = undefined
      throw error
    }))
}
