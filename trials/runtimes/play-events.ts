import { run } from '../../test/packages/run'
import type { Outcome, Result } from './results'

/** Runs a command that ends with the script `early-subscriber`. */
export async function playEvents([program = '', ...args]: string[]): Promise<Omit<Result, 'runtime'>> {
  const outcome = {
    adapter: '@rds-iam/core',
    name: 'publishes events to subscribers from before it was loaded',
  }
  const failure = await run(program, args, { cwd: process.cwd() }).then(
    () => undefined,
    (error: Error) => error.message,
  )
  const played: Outcome = failure === undefined ? outcome : { ...outcome, failure }
  return { group: 'events', outcomes: [played] }
}
