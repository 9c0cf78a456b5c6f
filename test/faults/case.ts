// One case of the fault matrix, in a process of its own. It tells its parent what it does, and the parent tells it
// what has happened to its connection.
import { setImmediate } from 'node:timers/promises'
import type { LoginOptions } from '../contract/adapter'
import type { Cell } from './matrix'
import { subjects } from './subjects'

/** What the parent tells a case. */
export type Order = 'happened' | 'armed' | 'closed'

/** What a case tells: what it is about to do, and how it ended. */
export interface Report {
  doing: string
  /** Why the case fails. */
  failure?: string
}

/** What a case is started with. */
export interface CaseArguments extends Cell {
  options: LoginOptions
  identity: { accessKeyId: string; secretAccessKey: string }
}

// Longer where the login must succeed.
const LIMIT_MS = 1_500
const LONG_LIMIT_MS = 10_000

const { subject, step, way, options, identity } = JSON.parse(process.argv[2] ?? '') as CaseArguments
const found = subjects[subject]
if (!found) throw new Error(`no subject is called ${subject}`)
const { driver, load } = found

const heard = new Map<Order, PromiseWithResolvers>()
type PromiseWithResolvers = { promise: Promise<void>; resolve(): void }
function order(name: Order): PromiseWithResolvers {
  let one = heard.get(name)
  if (!one) {
    let resolve = () => {}
    const promise = new Promise<void>((done) => (resolve = done))
    heard.set(name, (one = { promise, resolve }))
  }
  return one
}
process.on('message', (name: Order) => order(name).resolve())
const told = (report: Report) => new Promise<void>((resolve) => process.send?.(report, () => resolve()))

/** Held back, where the token is awaited, until the fault has happened and the driver could see it. */
async function credentials() {
  if (step === 'awaited') {
    await order('happened').promise
    await setImmediate()
    await setImmediate()
  }
  return identity
}

const adapter = await load()
const db = adapter.open(
  {
    ...options,
    ...driver.limits(way === 'bytewise' ? LONG_LIMIT_MS : LIMIT_MS),
    iam: { ...options.iam, credentials },
  },
  2,
)
const query = () => db.sql('select 1 as one')
await run()
await told({ doing: 'end' })
await db.close()
await told({ doing: 'close its sockets' })
await order('closed').promise
await told({ doing: 'exit' })
process.disconnect()

async function run(): Promise<void> {
  if (step === 'idle' || step === 'queried') {
    await told({ doing: 'log in' })
    await query()
    await told({ doing: 'await its fault' })
    await order(step === 'idle' ? 'happened' : 'armed').promise
  }
  // No driver asks an idle connection whether its server still answers: a query would wait as long as TCP does.
  if (step === 'idle' && way === 'silence') return
  await told({ doing: 'settle' })
  const problem = await query().then(
    () => undefined,
    (error: unknown) => error,
  )
  if (way === 'bytewise' && problem) throw problem
  await told({ doing: 'log in again' })
  await query()
}
