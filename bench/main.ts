// Compares rds-iam with its alternatives. The baseline is the bare driver with a static token.
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { installApplication } from './application'
import { drawChart } from './chart'
import type { Figure } from './figures'
import { bundledFirstRow, coldFirstRow } from './rows/cold'
import { poolStall, regionalCas, warmConnects } from './rows/connections'
import { distance } from './rows/distance'
import { help } from './rows/help'
import { imports } from './rows/imports'
import { manyLogins } from './rows/logins'
import { queries } from './rows/queries'
import { cachedToken, memory } from './rows/tokens'
import { startScene, type Scene } from './scene'
import { printTable } from './table'

const ROWS: Record<string, (scene: Scene, seconds: number) => Promise<Figure[]>> = {
  queries,
  connect: warmConnects,
  pool: poolStall,
  'ca-certificates': regionalCas,
  logins: manyLogins,
  token: cachedToken,
  import: imports,
  cold: coldFirstRow,
  bundle: bundledFirstRow,
  distance,
  memory,
  help,
}

const { values } = parseArgs({
  options: { rows: { type: 'string', multiple: true }, seconds: { type: 'string', default: '30' } },
})
const seconds = Number(values.seconds)
if (!(seconds >= 0)) throw new Error('--seconds must be a number: the time for the rounds of one comparison')
const names = values.rows ?? Object.keys(ROWS)
const unknown = names.find((name) => !Object.hasOwn(ROWS, name))
if (unknown !== undefined)
  throw new Error(`--rows ${unknown} is unknown: use ${Object.keys(ROWS).join(', ')}`)

// Node has read these certificates at its start. The measured programs must not.
delete process.env['NODE_EXTRA_CA_CERTS']

await installApplication()
const scene = await startScene()
const figures: Figure[] = []
try {
  for (const name of names) {
    console.error(`${name} …`)
    // Continue with the other rows if one fails.
    try {
      figures.push(...((await ROWS[name]?.(scene, seconds)) ?? []))
    } catch (error) {
      console.error(error)
      process.exitCode = 1
    }
  }
} finally {
  await scene.close()
}
printTable(figures)
// Replace the recorded results only after a complete run without failures.
if (values.rows === undefined && process.exitCode === undefined) {
  const machine = {
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    cpu: cpus()[0]?.model,
    cores: cpus().length,
  }
  const results = { date: new Date().toISOString(), machine, seconds, figures }
  writeFileSync(
    fileURLToPath(new URL('results.json', import.meta.url)),
    `${JSON.stringify(results, null, 2)}\n`,
  )
  writeFileSync(fileURLToPath(new URL('chart.svg', import.meta.url)), drawChart(figures))
}
