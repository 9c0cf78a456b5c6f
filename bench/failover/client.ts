// Writes to a cluster with one client, in a process of its own, and counts what fails.
import { setTimeout as sleep } from 'node:timers/promises'
import { isRdsIamError } from '@rds-iam/core'
import { useClusterDns, type ClusterDns } from '../../test/support/dns'
import { SUBJECTS, type ClusterLogin } from './subjects'

/** The addresses of a cluster's names, as DNS answers at the moment. */
export type Names = Record<string, string>

/** What the client process is told: first everything, then that DNS has changed, then to end. */
export type Message =
  | { type: 'start'; login: ClusterLogin; readerHost: string; names: Names }
  | { type: 'dns'; names: Names }
  | { type: 'stop' }

/** One write. Times are in milliseconds since 1970. */
export interface Write {
  /** Undefined if it was not answered. */
  endedAt?: number
  /** Undefined if it succeeded. */
  failure?: 'read-only' | 'other'
}

/** What the client process reports in the end. */
export interface Report {
  writes: Write[]
  uncaught: number
}

const INSERT = 'insert into t values (1)'
const PERIOD_MS = 50
const CONNECTIONS = 10
/** How long to wait in the end for writes that were not answered. */
const PATIENCE_MS = 1_000

let names: Names = {}
let dns: ClusterDns | undefined
let stopped: () => void
const isStopped = new Promise<void>((resolve) => (stopped = resolve))
let uncaught = 0
process.on('uncaughtException', () => uncaught++)

process.on('message', (message: Message) => {
  if (message.type === 'stop') return stopped()
  names = message.names
  dns?.update()
  if (message.type === 'start') run(message.login, message.readerHost).catch(fail)
})

async function run(login: ClusterLogin, readerHost: string): Promise<void> {
  const [subject = '', loggedInBy = ''] = process.argv.slice(2)
  dns = useClusterDns({ host: login.host, readerHost, addresses: (name) => lookUp(name) })
  const db = await SUBJECTS[subject]?.open[loggedInBy]?.(login)
  if (!db) throw new Error(`no such client: ${subject}, ${loggedInBy}`)

  await db.run('create table if not exists t (n int)')
  // Fill the pool.
  await Promise.all(Array.from({ length: CONNECTIONS }, () => db.run(INSERT)))
  process.send?.('ready')
  const writes: Write[] = []
  const running = new Set<Promise<void>>()
  const timer = setInterval(() => {
    const write: Write = {}
    writes.push(write)
    const done = record(write, db.run(INSERT)).finally(() => running.delete(done))
    running.add(done)
  }, PERIOD_MS)
  await isStopped
  clearInterval(timer)
  await Promise.race([Promise.all(running), sleep(PATIENCE_MS)])
  process.send?.({ writes, uncaught } satisfies Report)
  await Promise.race([db.close().catch(() => {}), sleep(PATIENCE_MS)])
  process.exit()
}

function fail(error: unknown): void {
  console.error(error)
  process.exit(1)
}

function lookUp(name: string): string[] | undefined {
  const address = names[name]
  return address === undefined ? undefined : [address]
}

async function record(write: Write, result: Promise<unknown>): Promise<void> {
  try {
    await result
  } catch (error) {
    write.failure = isReadOnly(error) ? 'read-only' : 'other'
  }
  write.endedAt = Date.now()
}

/** Whether a server refused a write because it is a reader, or we refused the reader. */
function isReadOnly(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause ?? (at as { original?: unknown }).original) {
    const { code, errno = 0 } = at as { code?: string; errno?: number }
    if (code === '25006' || [1290, 1836].includes(errno)) return true
    if (isRdsIamError(at) && at.code === 'NOT_WRITER') return true
    if (/read-only/.test(at.message)) return true
  }
  return false
}
