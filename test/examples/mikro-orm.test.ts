import { MikroORM as MysqlORM } from '@mikro-orm/mysql'
import { MikroORM } from '@mikro-orm/postgresql'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { testAdapter } from '../contract/contract'
import { mikroOrm, replicatedMikroOrm } from '../contract/mikro-orm'
import { testReplication } from '../contract/replication'
import { testExample } from './run-example'

testExample('mikro-orm', ['postgres', 'mysql'])

type Options = ConstructorParameters<typeof MikroORM>[0] & ConstructorParameters<typeof MysqlORM>[0]
const postgres = (options: Options) => new MikroORM(options)
const mysql = (options: Options) => new MysqlORM(options)

testAdapter('MikroORM with PostgreSQL', mikroOrm('postgres', postgres, pgConfig))
testAdapter('MikroORM with MySQL', mikroOrm('mysql', mysql, mysql2Config))
testReplication('MikroORM with PostgreSQL', replicatedMikroOrm('postgres', postgres, pgConfig))
testReplication('MikroORM with MySQL', replicatedMikroOrm('mysql', mysql, mysql2Config))
