// Plays the fault matrix and prints it: npm run faults.
// --only NAME, --step NAME and --way NAME play a part; --write puts the whole into the documentation.
import { parseArgs } from 'node:util'
import { startTestMysql } from '../servers/mysql'
import { startTestPostgres } from '../servers/postgres'
import { allCells, titleOf, type Cell } from './matrix'
import { buildCase, startStage } from './play'

const STAGES = 2

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    step: { type: 'string' },
    way: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})
const cells = allCells().filter(
  ({ subject, step, way }) =>
    subject.startsWith(values.only) &&
    (values.step === undefined || values.step === step) &&
    (values.way === undefined || values.way === way),
)

await buildCase()
const postgres = await startTestPostgres()
const mysql = await startTestMysql()
const stages = await Promise.all(
  Array.from({ length: STAGES }, () => startStage({ postgres: postgres.url, mysql: mysql.url })),
)
const failures = new Map<Cell, string>()
const start = performance.now()
const left = [...cells]
await Promise.all(
  stages.map(async (stage) => {
    for (let cell = left.shift(); cell; cell = left.shift()) {
      const begun = performance.now()
      const failure = await stage.play(cell)
      if (process.env['V']) console.log(cell.subject, titleOf(cell), Math.round(performance.now() - begun), failure ?? '')
      if (failure === undefined) continue
      failures.set(cell, failure)
      console.log(`✗ ${cell.subject}: ${titleOf(cell)}: ${failure}`)
    }
  }),
)
for (const stage of stages) await stage.close()
await postgres.stop()
await mysql.stop()
console.log(`${cells.length} cells, ${failures.size} fail, ${((performance.now() - start) / 1_000).toFixed(0)} s`)
process.exitCode = failures.size === 0 ? 0 : 1
