import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import type { Adapter, LoginOptions } from '../contract/adapter'
import { testAdapter } from '../contract/contract'
import { common, mikroMysql2, mikroPg, mysql, postgres, type Open } from '../contract/mikro-orm'
import { testReplication, type ReplicatedAdapter } from '../contract/replication'
import { testExample } from './run-example'

testExample('mikro-orm', ['postgres', 'mysql'])

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

testAdapter('MikroORM with PostgreSQL', mikroPg)
testAdapter('MikroORM with MySQL', mikroMysql2)
testReplication('MikroORM with PostgreSQL', replicated('postgres', postgres, pgConfig))
testReplication('MikroORM with MySQL', replicated('mysql', mysql, mysql2Config))
