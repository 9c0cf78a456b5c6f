import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { measure, timed, type Figure } from '../figures'
import type { Scene } from '../scene'

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/rds-iam.js', import.meta.url))

/** The time of `rds-iam --help`, divided by the time of `node -e 0`. */
export async function help(_: Scene, seconds: number): Promise<Figure[]> {
  const start = (args: string[]) =>
    timed(async () => execFileSync(process.execPath, args, { stdio: 'ignore' }))
  const what = 'rds-iam --help over node -e 0'
  return measure(
    { baseline: () => start(['-e', '0']), 'rds-iam': () => start([COMMAND, '--help']) },
    [{ quantity: 'ms', what, subject: 'the command', unit: '×', target: 2 }],
    seconds,
  )
}
