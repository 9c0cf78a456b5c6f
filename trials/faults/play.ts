import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startLocalRds, type Engine } from '@rds-iam/local'
import { build } from 'esbuild'
import type { CaseArguments, Order, Report } from './case'
import type { Cell } from './matrix'
import { startRelay, type Relay } from './relay'
import { subjects } from './subjects'

// A case takes less than a second, or as long as a driver's limits; the machine may be busy.
const LIMIT_MS = 30_000

const here = fileURLToPath(new URL('.', import.meta.url))
const program = `${here}../node_modules/.cache/faults/case.mjs`

/** Where one case after the other is played: an endpoint of each engine with a relay before it. */
export interface Stage {
  /** Plays a case, and says why it fails. */
  play(cell: Cell): Promise<string | undefined>
  close(): Promise<void>
}

/** Makes the program of a case one file, which starts faster. */
export async function buildCase(): Promise<void> {
  await build({
    entryPoints: [`${here}case.ts`],
    outfile: program,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
}

export async function startStage(backends: Record<Engine, string>): Promise<Stage> {
  const fronts = {
    postgres: await startFront('postgres', backends.postgres),
    mysql: await startFront('mysql', backends.mysql),
  }
  return {
    play: (cell) => playCell(cell, fronts),
    async close() {
      for (const front of Object.values(fronts)) await front.close()
    },
  }
}

interface Front extends Pick<CaseArguments, 'options' | 'identity'> {
  relay: Relay
  close(): Promise<void>
}

async function startFront(engine: Engine, backend: string): Promise<Front> {
  const relay = await startRelay(engine, () => rds.port)
  const { port, ca } = relay
  const rds = await startLocalRds({ engine, backend, endpoints: [`localhost:${port}`] })
  const { user, database, region, env } = rds
  return {
    relay,
    options: { host: 'localhost', port, user, database, ssl: { ca }, iam: { region } },
    identity: {
      accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
    async close() {
      await relay.close()
      await rds.close()
    },
  }
}

async function playCell(cell: Cell, fronts: Record<Engine, Front>): Promise<string | undefined> {
  const { subject, step, way } = cell
  const driver = subjects[subject]?.driver
  if (!driver) throw new Error(`no subject is called ${subject}`)
  const { relay, options, identity } = fronts[driver.engine]
  const given: CaseArguments = { ...cell, options, identity }
  const child = fork(program, [JSON.stringify(given)], {
    silent: true,
    execArgv: [],
    env: { PATH: process.env['PATH'], NODE_ENV: 'test' },
  })
  const tell = (order: Order) => {
    // A case that has died hears nothing.
    if (child.connected) child.send(order, () => {})
  }
  let errors = ''
  let doing = 'start'
  let failure: string | undefined
  let happened = false
  let isLate = false
  child.stderr?.on('data', (data) => (errors += data))
  const arm = () =>
    void relay.arm({ at: step === 'awaited' ? driver.waitsAt : step, way }).then(() => {
      happened = true
      tell('happened')
      // TCP itself ends the wait for an answer, in its own time.
      if (step === 'queried' && way === 'silence') relay.closeSilenced()
    })
  if (step !== 'idle' && step !== 'queried') arm()
  child.on('message', (report: Report) => {
    ;({ doing, failure } = report)
    if (doing === 'await its fault') {
      arm()
      tell('armed')
    }
    if (doing === 'close its sockets') void relay.allClosed().then(() => tell('closed'))
  })
  const limit = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, LIMIT_MS)
  const [status] = (await once(child, 'close')) as [number | null]
  clearTimeout(limit)
  await relay.clear()
  if (isLate) return `does not ${doing}`
  if (failure !== undefined) return `fails to ${doing}: ${failure}`
  if (status !== 0) return `dies (to ${doing}): ${errorLine(errors)}`
  if (!happened) return 'never came to its step'
  return undefined
}

/** The line of a process's last words that names the error. */
function errorLine(errors: string): string {
  return (/^\w*Error\b.*$/m.exec(errors)?.[0] ?? errors.trim().split('\n').at(-1) ?? '').trim()
}
