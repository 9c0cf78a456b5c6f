import knex from 'knex'
import knex31 from 'knex-3.1'
import { testAdapter } from './contract'
import { knexMysql2, knexPg } from './knex'

// Its types name a client of its own; what it does is what counts here.
const oldestKnex = knex31 as unknown as typeof knex

testAdapter('knex with pg', knexPg(knex))
testAdapter('knex with mysql2', knexMysql2(knex))
testAdapter('knex 3.1 with pg', knexPg(oldestKnex))
testAdapter('knex 3.1 with mysql2', knexMysql2(oldestKnex))
