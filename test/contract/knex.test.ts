import knex from 'knex'
import oldestKnex from 'knex-3.1'
import { testAdapter } from './contract'
import { knexMysql2, knexPg } from './knex'

testAdapter('knex with pg', knexPg(knex))
testAdapter('knex with mysql2', knexMysql2(knex))
testAdapter('knex 3.1 with pg', knexPg(oldestKnex))
testAdapter('knex 3.1 with mysql2', knexMysql2(oldestKnex))
