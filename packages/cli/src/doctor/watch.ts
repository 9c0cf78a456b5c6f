import { lookup } from 'node:dns'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { parseEndpoint } from '@rds-iam/core'
import { UsageError } from '../errors'
import type { LoginOptions } from '../login/options'
import { printable } from '../printable'
import { databaseOf } from './facts'
import { LOGINS } from './probes/login'
import { closeSession, describeServer, type DriverOptions, type Session } from './probes/session'

const PERIOD_MS = 1_000
/** The usual time limit of a driver: a login waits for the search for the writer. */
const LIMIT_MS = 10_000
const DNS_LIMIT_MS = 2_000

/** Where a login ended. */
interface Outcome {
  role: 'writer' | 'reader' | 'failed'
  /** The server's instance, if it tells it. */
  instance?: string | undefined
  /** Why the login failed. */
  reason?: string
}

/** The logins of one second. */
interface Sample {
  time: string
  /** The login of an application that uses rds-iam. */
  ours: Outcome
  tookMs: number
  /** The address that DNS gave, and the login there. */
  address: string
  byDns: Outcome
}

/**
 * Logs in to a cluster once a second, with rds-iam's choice of the server and beside it as DNS says, until the process
 * is told to end. Prints a line for each second, and a summary. Writes nothing to the database.
 *
 * @returns the exit status: 0 if the last login with rds-iam was at the writer
 * @throws {UsageError} if the host is not the writer endpoint of a cluster
 */
export async function watchCluster(options: LoginOptions, write: (text: string) => void): Promise<number> {
  const { host } = options.dial
  if (options.endpointGiven || parseEndpoint(host).kind !== 'cluster')
    throw new UsageError("--watch: give a cluster's writer endpoint as --host, and no --endpoint")
  const samples: Sample[] = []
  const stopped = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve)
    // The program that reads our output has ended.
    process.stdout.once('error', resolve)
  })
  write(header(host))
  const end = new AbortController()
  void stopped.then(() => end.abort())
  const ours = logins(options, 'writer', LIMIT_MS)
  const byDns = logins(options, 'any', DNS_LIMIT_MS)

  async function watch(): Promise<void> {
    while (!end.signal.aborted) {
      const start = new Date()
      const [{ tookMs, ...own }, { address, ...other }] = await Promise.all([
        timed(ours),
        addressOf(host).then(async (found) => ({ address: found, ...(await byDns()) })),
      ])
      if (end.signal.aborted) return
      const sample = { time: start.toISOString().slice(11, 23), ours: own, tookMs, address, byDns: other }
      samples.push(sample)
      write(line(sample))
      const rest = start.getTime() + PERIOD_MS - Date.now()
      await setTimeout(rest, undefined, { signal: end.signal }).catch(() => {})
    }
  }

  await Promise.race([watch(), stopped])
  write(summary(samples))
  return samples.at(-1)?.ours.role === 'writer' ? 0 : 1
}

/**
 * Logs in again at each call. Keeps the session until the next login has succeeded, as a pool keeps connections: the
 * loss of one is how an application learns of a failover.
 */
function logins(login: LoginOptions, target: 'writer' | 'any', limitMs: number): () => Promise<Outcome> {
  const { engine, dial, user, region, profile, ssl } = login
  const database = databaseOf(login)
  const options: DriverOptions = { ...dial, user, database, ssl, iam: { region, profile, target } }
  let kept: Session | undefined
  return async () => {
    const { session, error } = await LOGINS[engine](options, limitMs)
    if (!session) return failure(error)
    const server = await describeServer(session)
    if (kept) void closeSession(kept)
    kept = session
    if ('error' in server) return failure(server.error)
    const { isReader, instance } = server
    return { role: isReader ? 'reader' : 'writer', instance: instance ? printable(instance) : undefined }
  }
}

function failure({ code = 'unknown', message = '' } = {}): Outcome {
  return { role: 'failed', reason: printable(code === 'unknown' ? message : code) }
}

async function timed<T extends object>(work: () => Promise<T>): Promise<T & { tookMs: number }> {
  const start = performance.now()
  const result = await work()
  return { ...result, tookMs: Math.round(performance.now() - start) }
}

async function addressOf(host: string): Promise<string> {
  return promisify(lookup)(host, { all: true }).then(
    ([found]) => found?.address ?? '',
    ({ code }: NodeJS.ErrnoException) => String(code),
  )
}

const OUTCOME_WIDTH = 42
const TOOK_WIDTH = 6
const TIME_WIDTH = '00:00:00.000'.length

function header(host: string): string {
  const [cluster] = host.split('.')
  const columns = [
    'time in UTC'.padEnd(TIME_WIDTH),
    'with rds-iam'.padEnd(OUTCOME_WIDTH),
    'ms'.padStart(TOOK_WIDTH),
    'as DNS says',
  ]
  return (
    'Logs in once a second, until Ctrl-C. In another terminal, start a failover:\n' +
    `aws rds failover-db-cluster --db-cluster-identifier ${cluster}\n\n${columns.join('  ')}\n`
  )
}

function line({ time, ours, tookMs, address, byDns }: Sample): string {
  const took = String(tookMs).padStart(TOOK_WIDTH)
  return `${[time, text(ours).padEnd(OUTCOME_WIDTH), took, address, text(byDns)].join('  ')}\n`
}

function text({ role, instance, reason }: Outcome): string {
  return [role, instance ?? reason].filter(Boolean).join(' ')
}

/** Counts the logins, and tells when they reached another writer. */
function summary(samples: readonly Sample[]): string {
  const columns = [
    { name: 'with rds-iam', outcomes: samples.map(({ time, ours }) => ({ time, ...ours })) },
    { name: 'as DNS says', outcomes: samples.map(({ time, byDns }) => ({ time, ...byDns })) },
  ]
  const lines = columns.flatMap(({ name, outcomes }) => {
    const count = (role: Outcome['role']): string =>
      `${outcomes.filter((outcome) => outcome.role === role).length}`
    const writers = outcomes.filter(({ role }) => role === 'writer')
    const moves = writers.filter(
      ({ instance }, index) => index > 0 && instance !== writers[index - 1]?.instance,
    )
    return [
      `${name}: ${count('writer')} logins at a writer, ${count('reader')} at a reader, ${count('failed')} failed`,
      ...moves.map(({ time, instance }) => `  ${time}  the writer is ${instance ?? 'another one'}`),
    ]
  })
  return `\n${lines.join('\n')}\n`
}
