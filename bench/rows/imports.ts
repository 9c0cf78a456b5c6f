import { runProgram, writeProgram } from '../application'
import { interleave, judge, spread, type Figure, type Spread } from '../figures'
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

interface Answer {
  ms: number
  mb: number
}

/** The time and memory of importing an adapter, after its library and driver. */
export async function imports(_: Scene, rounds: number): Promise<Figure[]> {
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
  const figures = []
  for (const [library, driver] of LIBRARIES) {
    const answers: Record<string, Answer[]> = {}
    const contestants = Object.entries(CONTESTANTS).map(([name, added]) => {
      const run = async () => {
        const answer = await runProgram<Answer>(
          file,
          {},
          ['--expose-gc'],
          [library, driver, added(library, driver)],
        )
        ;(answers[name] ??= []).push(answer)
        return answer.ms
      }
      return [name, run] as const
    })
    await interleave(Object.fromEntries(contestants), rounds, 0)
    const measured = (of: keyof Answer): Record<string, Spread> =>
      Object.fromEntries(
        Object.entries(answers).map(([name, list]) => [name, spread(list.map((one) => one[of]))]),
      )
    const common = { row: 'import', subject: `${library}, ${driver}` }
    figures.push(
      judge({
        ...common,
        what: 'import: time',
        unit: 'ms',
        measured: measured('ms'),
        target: { atMost: 3, text: '3 ms' },
      }),
      judge({
        ...common,
        what: 'import: memory',
        unit: 'MB',
        measured: measured('mb'),
        target: { atMost: 1.5, text: '1.5 MB' },
      }),
    )
  }
  return figures
}
