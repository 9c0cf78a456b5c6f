// Runs cases of the contract on the current runtime, and prints the result of each as a line of JSON.
// Arguments: a group of adapters, the address of the endpoint service, and pairs of adapter and case as JSON.
import process from 'node:process'
import { inspect } from 'node:util'
import { adapters } from '../../test/contract/adapters'
import { contract } from '../../test/contract/cases'
import { play } from '../../test/contract/scene'
import type { CaseName } from './play-contract'
import type { Outcome } from './results'

const [group = '', service = '', wanted = '[]'] = process.argv.slice(2)

const printed: unknown[][] = []
for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
  console[method] = (...values: unknown[]) => void printed.push(values)
}
// One case sets the variable in the first warning. The second warning is about mysql2: it uses an IP address as the
// server name, which Node ignores.
const EXPECTED_WARNINGS = /NODE_TLS_REJECT_UNAUTHORIZED|TLS ServerName to an IP address/
process.removeAllListeners('warning')
process.on('warning', (warning) => {
  if (!EXPECTED_WARNINGS.test(warning.message)) printed.push([warning])
})

const loaded: Awaited<ReturnType<(typeof adapters)['pg']>> = await adapters[group as 'pg']()
for (const { adapter, name } of JSON.parse(wanted) as CaseName[]) {
  const failure = await outcome(adapter as 'pg', name)
  const line: Outcome = { adapter, name, ...(failure === undefined ? {} : { failure }) }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
process.exit(0)

async function outcome(adapter: 'pg', name: string): Promise<string | undefined> {
  printed.length = 0
  try {
    const run = contract[name]
    if (!run) throw new Error(`there is no case ${name}`)
    await play(run, loaded[adapter], service)
  } catch (error) {
    return inspect(error)
  }
  return printed.length > 0 ? `it printed ${inspect(printed)}` : undefined
}
