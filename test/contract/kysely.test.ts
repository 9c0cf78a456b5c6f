import * as kysely from 'kysely'
import * as oldestKysely from 'kysely-0.28'
import { testAdapter } from './contract'
import { kyselyMysql, kyselyPg } from './kysely'

testAdapter('kysely PostgresDialect', kyselyPg(kysely))
testAdapter('kysely MysqlDialect', kyselyMysql(kysely))
testAdapter('kysely 0.28 PostgresDialect', kyselyPg(oldestKysely as unknown as typeof kysely))
testAdapter('kysely 0.28 MysqlDialect', kyselyMysql(oldestKysely as unknown as typeof kysely))
