// Runs the fault matrix and prints the results: npm run faults.
// --only NAME, --step NAME and --way NAME run a part; --write writes the results of a whole run into docs/faults.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/packages.mjs'
import { startTestMysql } from '../../test/servers/mysql'
import { startTestPostgres } from '../../test/servers/postgres'
import { allCells, knownFailure, titleOf } from './matrix'
import { bundleCase, startStage } from './play'
import { presentResults, type Result } from './results'

const AT_ONCE = 2

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    step: { type: 'string' },
    way: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})
const cells = allCells()
const chosen = cells.filter(
  ({ subject, step, way }) =>
    subject.startsWith(values.only) && step === (values.step ?? step) && way === (values.way ?? way),
)
const page = join(root, 'docs/faults.md')
const PLACE = /(?<=<!-- results of npm run faults -->\n).*(?=<!-- end of results -->)/s

const results = await play()
const failed = results.filter((result) => result.failure !== undefined && !isKnown(result))
const table = presentResults(results)
console.log(`\n${table}\n\n${results.length} cases, ${failed.length} fail`)
process.exitCode = results.length > 0 && failed.length === 0 ? 0 : 1
if (chosen.length === cells.length) {
  const text = readFileSync(page, 'utf8')
  const updated = text.replace(PLACE, () => `\n${table}\n\n`)
  if (values.write) writeFileSync(page, updated)
  else if (updated !== text) {
    console.log('\n✗ docs/faults.md has other results. To update it: npm run faults -- --write')
    process.exitCode = 1
  }
}

function isKnown(result: Result): boolean {
  const known = knownFailure(result)
  return known !== undefined && result.failure?.includes(known) === true
}

async function play(): Promise<Result[]> {
  const program = await bundleCase()
  const postgres = await startTestPostgres()
  const mysql = await startTestMysql()
  const backends = { postgres: postgres.url, mysql: mysql.url }
  const results: Result[] = chosen.map((cell) => ({ ...cell }))
  const left = [...results]
  async function playSome(): Promise<void> {
    const stage = await startStage(program, backends)
    for (let cell = left.shift(); cell; cell = left.shift()) {
      const failure = await stage.play(cell)
      if (failure === undefined) continue
      cell.failure = failure
      console.log(`✗ ${cell.subject}: ${titleOf(cell)}: ${failure}`)
    }
    await stage.close()
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, playSome))
    return results
  } finally {
    await postgres.stop()
    await mysql.stop()
  }
}
