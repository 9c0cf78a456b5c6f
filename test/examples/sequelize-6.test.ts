import { QueryTypes, Sequelize, type Options } from 'sequelize'
import { describe, expect } from 'vitest'
import type { LoginOptions } from '../contract/adapter'
import { testAdapter } from '../contract/contract'
import { testReplication, type ReplicatedDatabase } from '../contract/replication'
import { address, mysql, postgres, sequelize6Mysql2, sequelize6Pg } from '../contract/sequelize-6'
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

testAdapter('Sequelize 6 with postgres', sequelize6Pg)
testAdapter('Sequelize 6 with mysql', sequelize6Mysql2)

testReplication('Sequelize 6 with postgres', {
  engine: 'postgres',
  open: (writer, reader) => replicated(postgres(writer), writer, reader),
})

testReplication('Sequelize 6 with mysql', {
  engine: 'mysql',
  open: (writer, reader) => replicated(mysql(writer), writer, reader),
})

type Row = Record<string, unknown>

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
