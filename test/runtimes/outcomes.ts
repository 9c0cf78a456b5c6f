import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'

/** A case of the contract, played with an adapter. */
export interface CaseName {
  adapter: string
  name: string
}

/** What came of a case; without `failure` it held. */
export interface Outcome extends CaseName {
  failure?: string
}

/** How cases are played on a runtime. */
export interface Player {
  program: string
  /** Everything before the player's own arguments. */
  args: string[]
  /** The player's script. */
  script: string
  /** Address of the endpoint service. */
  service: string
}

// A case takes less than a second; the machine may be busy.
const SILENCE_MS = 60_000

/** Plays cases in a process, and goes on in another one when a case ends it or does not come to an end. */
export async function playCases(player: Player, group: string, cases: CaseName[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  while (outcomes.length < cases.length) {
    const left = cases.slice(outcomes.length)
    const { played, end } = await playProcess(player, group, left)
    outcomes.push(...played)
    const unfinished = left[played.length]
    if (unfinished) outcomes.push({ ...unfinished, failure: end })
  }
  return outcomes
}

async function playProcess(
  { program, args, script, service }: Player,
  group: string,
  cases: CaseName[],
): Promise<{ played: Outcome[]; end: string }> {
  const child = spawn(program, [...args, script, group, service, JSON.stringify(cases)], {
    cwd: dirname(script),
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const played: Outcome[] = []
  let errors = ''
  let end = 'the process ended'
  const silence = () =>
    setTimeout(() => {
      end = `it did not end within ${SILENCE_MS / 1_000} seconds`
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

/** The environment without what would change a login, and with a place for Deno's files. */
export function cleanEnvironment(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([key]) => !/^(AWS|PG|NODE|DENO|BUN|npm)_?/.test(key))
  return { ...Object.fromEntries(own), DENO_NO_UPDATE_CHECK: '1' }
}
