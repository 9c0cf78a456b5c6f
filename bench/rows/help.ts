import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { interleave, judge, ratios, type Figure } from '../figures'
import type { Scene } from '../scene'

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/rds-iam.js', import.meta.url))

/** The time of `rds-iam --help`, divided by the time of `node -e 0`. */
export async function help(_: Scene, rounds: number): Promise<Figure[]> {
  const taken = await interleave(
    { 'rds-iam': () => start([COMMAND, '--help']), baseline: () => start(['-e', '0']) },
    rounds,
  )
  const measured = { 'rds-iam': ratios(taken['rds-iam'], taken.baseline) }
  const target = { atMost: 2, text: '2' }
  const what = 'rds-iam --help over node -e 0'
  return [judge({ row: 'help', what, subject: 'the command', unit: '×', measured, target })]
}

async function start(args: string[]): Promise<number> {
  const begun = performance.now()
  execFileSync(process.execPath, args, { stdio: 'ignore' })
  return performance.now() - begun
}
