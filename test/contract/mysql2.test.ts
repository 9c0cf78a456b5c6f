import { adapters } from './adapters'
import { testAdapter } from './contract'

for (const [name, adapter] of Object.entries(await adapters.mysql2())) testAdapter(name, adapter)
