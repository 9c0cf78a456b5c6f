import { fork } from 'node:child_process'
import { once } from 'node:events'
import { startLocalRds } from '@rds-iam/local'
import { bundleProgram } from '../../test/support/bundle-program'
import type { CaseArguments, Order, Report } from './case'
import type { Cell } from './matrix'
import { startRelay, type Engine, type Relay } from './relay'
import { subjects } from './subjects'

// A case takes less than a second, or as long as the driver's time limits. The machine may be busy.
const LIMIT_MS = 30_000

/** Runs one case after the other, with an endpoint and a relay for each engine. */
export interface Stage {
  /** Runs a case. Returns why it failed, or undefined. */
  play(cell: Cell): Promise<string | undefined>
  close(): Promise<void>
}

/** Bundles the program of a case. Returns its path. */
export function bundleCase(): Promise<string> {
  return bundleProgram(new URL('case.ts', import.meta.url))
}

/** Starts the endpoints and relays for a bundled program. */
export async function startStage(program: string, backends: Record<Engine, string>): Promise<Stage> {
  const fronts = {
    postgres: await startFront('postgres', backends.postgres),
    mysql: await startFront('mysql', backends.mysql),
  }
  return {
    play: (cell) => playCell(program, cell, fronts),
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

async function playCell(
  program: string,
  cell: Cell,
  fronts: Record<Engine, Front>,
): Promise<string | undefined> {
  const { subject, step, way } = cell
  const driver = subjects[subject]?.driver
  if (!driver) throw new Error(`there is no subject ${subject}`)
  const { relay, options, identity } = fronts[driver.engine]
  const given: CaseArguments = { ...cell, options, identity }
  const child = fork(program, [JSON.stringify(given)], {
    silent: true,
    execArgv: [],
    env: { PATH: process.env['PATH'], NODE_ENV: 'test' },
  })
  const tell = (order: Order) => {
    // A case that exited cannot receive messages.
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
      // Do not wait for TCP's own time limit.
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
  if (!happened) return 'did not reach its step'
  return undefined
}

/** The line of stderr that names the error. */
function errorLine(errors: string): string {
  return (/^\w*Error\b.*$/m.exec(errors)?.[0] ?? errors.trim().split('\n').at(-1) ?? '').trim()
}
