import postgres from 'postgres'
import { adapters } from './adapters'
import { testAdapter } from './contract'
import { postgresJs } from './drivers'

const all = {
  ...(await adapters.pg()),
  ...(await adapters.knex()),
  ...(await adapters.kysely()),
  'postgres.js': postgresJs(postgres),
}
for (const [name, adapter] of Object.entries(all))
  if (adapter.engine === 'postgres') testAdapter(`${name} on Aurora DSQL`, { ...adapter, engine: 'dsql' })
