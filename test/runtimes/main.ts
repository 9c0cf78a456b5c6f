// Plays the contract on every runtime: npm run test:runtimes.
import { parseArgs } from 'node:util'
import { adapters } from '../contract/adapters'
import { contract } from '../contract/cases'
import { startEndpointService } from '../contract/endpoint-service'
import { startTestMysql } from '../servers/mysql'
import { startTestPostgres } from '../servers/postgres'
import { installPlayer, installRuntime } from './installation'
import { playCases } from './outcomes'
import { runtimes } from './versions'

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } })
const chosen = runtimes.filter(({ name, version }) => `${name} ${version}`.startsWith(values.only))
const script = await installPlayer()
const postgres = await startTestPostgres()
const mysql = await startTestMysql()
const service = await startEndpointService({ postgres: postgres.url, mysql: mysql.url })
try {
  for (const runtime of chosen) {
    const program = await installRuntime(runtime)
    for (const [group, load] of Object.entries(adapters)) {
      const names = Object.keys(await load())
      const cases = names.flatMap((adapter) => Object.keys(contract).map((name) => ({ adapter, name })))
      const outcomes = await playCases(
        { program, args: runtime.args, script, service: service.url },
        group,
        cases,
      )
      const failed = outcomes.filter(({ failure }) => failure !== undefined)
      console.log(
        `${runtime.name} ${runtime.version} ${group}: ${outcomes.length - failed.length} of ${outcomes.length}`,
      )
      for (const { adapter, name, failure } of failed) console.log(`✗ ${adapter}: ${name}\n${failure}\n`)
    }
  }
} finally {
  await service.close()
  await mysql.stop()
  await postgres.stop()
}
