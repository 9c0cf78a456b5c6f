import { runProgram, writeProgram } from '../application'
import { measure, type Figure } from '../figures'
import type { Scene } from '../scene'

const LIBRARIES = [
  ['knex', 'pg'],
  ['knex', 'mysql2'],
  ['kysely', 'pg'],
  ['kysely', 'mysql2'],
] as const

const CONTESTANTS = {
  'rds-iam': (library: string) => `@rds-iam/${library}`,
  'usual recipe': () => '@aws-sdk/rds-signer',
  'AWS wrapper': (_: string, driver: string) =>
    `aws-advanced-nodejs-wrapper/${driver === 'pg' ? 'pg' : 'mysql'}`,
}

/** The time and memory of importing an adapter, after its library and driver. */
export async function imports(_: Scene, seconds: number): Promise<Figure[]> {
  const file = writeProgram(
    'import.cjs',
    `const [library, driver, added] = process.argv.slice(2)
for (const name of [library, driver]) require(name)
gc()
const before = process.memoryUsage().heapUsed
const start = performance.now()
require(added)
const ms = performance.now() - start
gc()
console.log(JSON.stringify({ ms, mb: (process.memoryUsage().heapUsed - before) / 1e6 }))
`,
  )
  const figures: Figure[] = []
  for (const [library, driver] of LIBRARIES) {
    const contestants = Object.entries(CONTESTANTS).map(([name, added]) => {
      const args = [library, driver, added(library, driver)]
      return [name, () => runProgram<Record<'ms' | 'mb', number>>(file, {}, ['--expose-gc'], args)] as const
    })
    const subject = `${library}, ${driver}`
    figures.push(
      ...(await measure(
        Object.fromEntries(contestants),
        [
          { quantity: 'ms', what: 'import: time', subject, unit: 'ms', target: 3 },
          { quantity: 'mb', what: 'import: memory', subject, unit: 'MB', target: 1.5 },
        ],
        seconds,
      )),
    )
  }
  return figures
}
