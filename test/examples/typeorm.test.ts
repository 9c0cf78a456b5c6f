import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { DataSource } from 'typeorm'
import { expect } from 'vitest'
import { testAdapter } from '../contract/contract'
import { testReplication } from '../contract/replication'
import { initialized, typeormMysql2, typeormPg } from '../contract/typeorm'
import { testExample } from './run-example'

testExample('typeorm', ['postgres', 'mysql'], ({ output }) => expect(output).toContain("item: 'tea'"))

testExample('typeorm-replication', ['postgres', 'mysql'], ({ logins }) => {
  expect(logins.postgres).toHaveLength(2)
})

testAdapter('TypeORM with postgres', typeormPg)
testAdapter('TypeORM with mysql', typeormMysql2)

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

function replicated(source: DataSource) {
  const ready = initialized(source)
  const on = (mode: 'master' | 'slave') => async (sql: string) => {
    const runner = (await ready()).createQueryRunner(mode)
    return runner.query(sql).finally(() => runner.release())
  }
  return { write: on('master'), read: on('slave'), close: () => source.destroy() }
}
