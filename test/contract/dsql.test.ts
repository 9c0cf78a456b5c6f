import postgres from 'postgres'
import { adapters } from './adapters'
import { testAdapter } from './contract'
import { postgresJs } from './drivers'

const { pg, 'pg 8.11': oldestPg } = await adapters.pg()
const { 'knex with pg': knex } = await adapters.knex()
const { 'kysely PostgresDialect': kysely } = await adapters.kysely()
const all = { pg, 'pg 8.11': oldestPg, knex, kysely, 'postgres.js': postgresJs(postgres) }

for (const [name, adapter] of Object.entries(all))
  testAdapter(`${name} on Aurora DSQL`, { ...adapter, engine: 'dsql' })
