import { testAdapter } from '../contract/contract'
import {
  mikroOrm7Mysql2,
  mikroOrm7Pg,
  replicatedMikroOrm7Mysql2,
  replicatedMikroOrm7Pg,
} from '../contract/mikro-orm-7'
import { testReplication } from '../contract/replication'
import { testExample } from './run-example'

testExample('mikro-orm', ['postgres', 'mysql'])

testAdapter('MikroORM with PostgreSQL', mikroOrm7Pg)
testAdapter('MikroORM with MySQL', mikroOrm7Mysql2)
testReplication('MikroORM with PostgreSQL', replicatedMikroOrm7Pg)
testReplication('MikroORM with MySQL', replicatedMikroOrm7Mysql2)
