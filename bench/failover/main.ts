// Compares what clients write during a failover: with rds-iam, without it, and with the AWS wrapper.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startLocalCluster, type LocalCluster } from '@rds-iam/local'
import { installApplication } from '../application'
import type { Message, Names, Report, Write } from './client'
import { printResults, recordResults, type Result } from './results'
import { SUBJECTS } from './subjects'

const WARM_UP_MS = 1_000
const PROMOTED_MS = 1_500
const RESTARTED_MS = 3_000
const DNS_UPDATED_MS = 10_000
const END_MS = 14_000

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, silent: { type: 'boolean', default: false } },
})
const unknown = values.only?.find((name) => !Object.hasOwn(SUBJECTS, name))
if (unknown !== undefined)
  throw new Error(`--only ${unknown} is unknown: use ${Object.keys(SUBJECTS).join('; ')}`)

await installApplication()
const results: Result[] = []
for (const engine of ['postgres', 'mysql'] as const) {
  const subjects = Object.entries(SUBJECTS).filter(
    ([name, subject]) => subject.engine === engine && (values.only?.includes(name) ?? true),
  )
  if (subjects.length === 0) continue
  const cluster = await startLocalCluster({ engine })
  try {
    for (const [client, { open }] of subjects)
      for (const login of Object.keys(open)) {
        console.error(`${client}, ${login} …`)
        results.push({ engine, client, login, ...(await run(cluster, client, login)) })
      }
  } finally {
    await cluster.close()
  }
}
printResults(results)
// Only a whole run replaces the recorded results.
if (values.only === undefined) recordResults(values.silent ? 'silent' : 'dies', results)

/** Plays a failover while a client writes. */
async function run(
  cluster: LocalCluster,
  client: string,
  login: string,
): Promise<Omit<Result, 'engine' | 'client' | 'login'>> {
  const child = startClient(cluster, [client, login])
  const report = new Promise<Report>((resolve) => {
    child.on('message', (message) => message !== 'ready' && resolve(message as Report))
  })
  const old = cluster.instances.find(({ isWriter }) => isWriter)?.id
  await Promise.race([once(child, 'message'), failed(child)])
  await sleep(WARM_UP_MS)

  const startMs = Date.now()
  const at = (ms: number) => sleep(startMs + ms - Date.now())
  let thaw = () => cluster.restart(old)
  if (values.silent) thaw = await cluster.freeze()
  else await cluster.kill()
  await at(PROMOTED_MS)
  const promotionMs = Date.now()
  await cluster.promote()
  const promotedMs = Date.now()
  if (!values.silent) {
    await at(RESTARTED_MS)
    await thaw()
  }
  await at(DNS_UPDATED_MS)
  tell(child, { type: 'dns', names: namesOf(cluster) })
  await at(END_MS)
  tell(child, { type: 'stop' })
  const { writes, uncaught } = await Promise.race([report, failed(child)])
  await once(child, 'exit')
  if (values.silent) await thaw()

  const succeeded = writes.filter(isSuccess).map(({ endedAt = 0 }) => endedAt)
  const first = Math.min(...succeeded.filter((endedAt) => endedAt >= promotionMs))
  const isAfter = ({ endedAt = 0 }: Write) => endedAt > (Number.isFinite(first) ? first : promotedMs)
  return {
    // The promotion is over a little before the server says so.
    ...(Number.isFinite(first) ? { firstWriteMs: Math.max(0, first - promotedMs) } : {}),
    failed: writes.filter(({ failure }) => failure !== undefined).length,
    unanswered: writes.filter(({ endedAt }) => endedAt === undefined).length,
    readOnlyAfter: writes.filter((write) => write.failure === 'read-only' && isAfter(write)).length,
    uncaught,
  }
}

function isSuccess({ endedAt, failure }: Write): boolean {
  return endedAt !== undefined && failure === undefined
}

function startClient(cluster: LocalCluster, args: string[]): ChildProcess {
  const { host, port, user, database, region, ca, readerHost } = cluster
  const child = fork(fileURLToPath(new URL('client.ts', import.meta.url)), args, {
    // Without the machine's AWS settings.
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      AWS_EC2_METADATA_DISABLED: 'true',
      NODE_NO_WARNINGS: '1',
      ...cluster.env,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  tell(child, {
    type: 'start',
    login: { host, port, user, database, region, ca },
    readerHost,
    names: namesOf(cluster),
  })
  return child
}

async function failed(child: ChildProcess): Promise<never> {
  const [status] = (await once(child, 'exit')) as [number]
  throw new Error(`the client ended with ${status}`)
}

function tell(child: ChildProcess, message: Message): void {
  child.send(message)
}

function namesOf(cluster: LocalCluster): Names {
  const hosts = [cluster.host, cluster.readerHost, ...cluster.instances.map(({ host }) => host)]
  return Object.fromEntries(hosts.map((host) => [host, cluster.addresses(host)?.[0] ?? '']))
}
