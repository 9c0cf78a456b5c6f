import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { adapters } from '../../test/contract/adapters'
import { contract } from '../../test/contract/cases'
import type { Outcome, Result } from './results'

/** A case of the contract, and the adapter to run it with. */
export type CaseName = Pick<Outcome, 'adapter' | 'name'>

// A case takes less than a second. The machine may be busy.
const SILENCE_MS = 60_000

/**
 * Runs the whole contract with each group of adapters, at endpoints of the service at `service`. `command` is the
 * runtime's command line with the script `play-cases`.
 */
export async function playContract(command: string[], service: string): Promise<Omit<Result, 'runtime'>[]> {
  const results: Omit<Result, 'runtime'>[] = []
  for (const [group, load] of Object.entries(adapters)) {
    const names = Object.keys(await load())
    const cases = names.flatMap((adapter) => Object.keys(contract).map((name) => ({ adapter, name })))
    results.push({ group, outcomes: await playCases([...command, group, service], cases) })
  }
  return results
}

/** Runs cases in a process. When a case exits the process or hangs, the next cases run in a new one. */
async function playCases(command: string[], cases: CaseName[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  while (outcomes.length < cases.length) {
    const left = cases.slice(outcomes.length)
    const { played, end } = await playProcess([...command, JSON.stringify(left)])
    outcomes.push(...played)
    const unfinished = left[played.length]
    if (unfinished) outcomes.push({ ...unfinished, failure: end })
  }
  return outcomes
}

async function playProcess([program = '', ...args]: string[]): Promise<{ played: Outcome[]; end: string }> {
  const child = spawn(program, args, {
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const played: Outcome[] = []
  let errors = ''
  let end = 'the process exited'
  const silence = () =>
    setTimeout(() => {
      end = `the case did not end within ${SILENCE_MS / 1_000} seconds`
      child.kill('SIGKILL')
    }, SILENCE_MS)
  let timer = silence()
  child.stderr.on('data', (data) => (errors += data))
  createInterface({ input: child.stdout }).on('line', (line) => {
    clearTimeout(timer)
    timer = silence()
    played.push(JSON.parse(line) as Outcome)
  })
  await new Promise<void>((resolve, reject) => child.once('close', () => resolve()).once('error', reject))
  clearTimeout(timer)
  return { played, end: `${end}\n${errors}`.trim() }
}

/** The environment, without variables that change a login or a runtime. */
function cleanEnvironment(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([key]) => !/^(AWS|PG|NODE|DENO|BUN|npm)_?/.test(key))
  return Object.fromEntries(own)
}
