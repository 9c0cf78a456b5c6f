// One case of the fault matrix, in its own process. It reports each step to its parent process, which reports what
// happened to the connection.
import { EventEmitter, once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import type { LoginOptions } from '../../test/contract/adapter'
import type { Cell, Step } from './matrix'
import type { Way } from './relay'
import { subjects } from './subjects'

/** A message from the parent to a case: its fault has happened, its fault is armed, or its sockets are closed. */
export type Order = 'happened' | 'armed' | 'closed'

/** A message from a case to its parent: its next step, or why a step failed. */
export interface Report {
  doing: string
  failure?: string
}

/** The command-line argument of a case, as JSON. */
export interface CaseArguments extends Cell {
  options: LoginOptions
  identity: { accessKeyId: string; secretAccessKey: string }
}

// The driver's time limits. Use the short one where only the limit ends the login, and a long one elsewhere: the machine
// may be busy.
const SHORT_LIMIT_MS = 4_000
const LONG_LIMIT_MS = 15_000
const ENDED_BY_LIMIT: readonly Way[] = ['silence', 'garbage']
const AFTER_LOGIN: readonly Step[] = ['idle', 'queried']

const { subject, step, way, options, identity } = JSON.parse(process.argv[2] ?? '') as CaseArguments
const found = subjects[subject]
if (!found) throw new Error(`there is no subject ${subject}`)
const { driver, load } = found
const isEndedByLimit = ENDED_BY_LIMIT.includes(way) && !AFTER_LOGIN.includes(step)
const orders = new EventEmitter()
process.on('message', (order: Order) => orders.emit(order))
const happened = once(orders, 'happened')

/** The credentials. In the step `awaited` they come after the fault, when the driver has had time to see it. */
async function credentials() {
  if (step === 'awaited') {
    await happened
    await setImmediate()
    await setImmediate()
  }
  return identity
}

const adapter = await load()
const db = adapter.open(
  {
    ...options,
    ...driver.limits(isEndedByLimit ? SHORT_LIMIT_MS : LONG_LIMIT_MS),
    ...found.options,
    iam: { ...options.iam, credentials },
  },
  2,
)
const query = () => db.sql('select 1 as one')
let doing = ''

try {
  await run()
} catch (error) {
  await report({ doing, failure: (error as Error).message })
  process.exit(1)
}
process.disconnect()

async function run(): Promise<void> {
  if (AFTER_LOGIN.includes(step)) {
    await begin('log in')
    await query()
    const ready = once(orders, 'armed')
    await begin('await its fault')
    await (step === 'idle' ? happened : ready)
  }
  // No driver checks an idle connection before use, so a query would wait for TCP's own time limit.
  if (step !== 'idle' || way !== 'silence') {
    await begin('settle')
    await (way === 'bytewise' ? query() : query().catch(() => {}))
    await begin('log in again')
    await query()
  }
  await begin('end')
  await db.close()
  const closed = once(orders, 'closed')
  await begin('close its sockets')
  await closed
  await begin('exit')
}

function begin(what: string): Promise<void> {
  doing = what
  return report({ doing })
}

function report(one: Report): Promise<void> {
  return new Promise((resolve) => process.send?.(one, () => resolve()))
}
