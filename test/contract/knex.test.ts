import { adapters } from './adapters'
import { testAdapter } from './contract'

for (const [name, adapter] of Object.entries(await adapters.knex())) testAdapter(name, adapter)
