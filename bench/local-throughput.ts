// The throughput of a driver through the local endpoint, against the same driver over TLS to the same server.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Engine } from '@rds-iam/local'
import { startMariadbWithTls, startPostgresWithTls, type TlsServer } from './servers'
import { startEndpoint } from './endpoint'
import { DRIVERS, FILL, time, WORKLOADS, type Driver, type Target } from './workloads'

/** The ways to the server: straight, or through an endpoint before its TCP port, before its socket, and in this process. */
const WAYS = ['direct', 'tcp', 'socket', 'same process'] as const
type Way = (typeof WAYS)[number]
const WARM_UP = 4
const PROGRAM = fileURLToPath(new URL('endpoint.ts', import.meta.url))
const SERVERS = { postgres: startPostgresWithTls, mysql: startMariadbWithTls }

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, engine: { type: 'string', multiple: true } },
})
const engines = (['postgres', 'mysql'] as const).filter((engine) => values.engine?.includes(engine) ?? true)

for (const engine of engines) console.table(await measure(engine, Number(values.rounds)))

async function measure(engine: Engine, rounds: number) {
  const server = await SERVERS[engine]()
  const overSocket = `${server.url}?socket=${encodeURIComponent(server.socketPath ?? '')}`
  const children = [server.url, overSocket].map((url) => fork(PROGRAM, [engine, url]))
  const started = Promise.all(children.map(async (child) => (await once(child, 'message')) as [Target]))
  const near = await startEndpoint(engine, overSocket)
  try {
    const drivers = { direct: DRIVERS[engine](directTarget(server)) } as Record<Way, Driver>
    for (const sql of FILL[engine]) await drivers.direct.query(sql)
    const [[overTcp], [overSocketTarget]] = (await started) as [[Target], [Target]]
    drivers.tcp = DRIVERS[engine](overTcp)
    drivers.socket = DRIVERS[engine](overSocketTarget)
    drivers['same process'] = DRIVERS[engine](near.target)
    const rows = []
    for (const workload of WORKLOADS) {
      const taken: Record<Way, number>[] = []
      for (let round = -WARM_UP; round < rounds * workload.rounds; round++) {
        const times = {} as Record<Way, number>
        // Each comes first as often as the others.
        for (let turn = 0; turn < WAYS.length; turn++) {
          const way = WAYS[(turn + round + WARM_UP) % WAYS.length] ?? 'direct'
          times[way] = await time(drivers[way], workload)
        }
        if (round >= 0) taken.push(times)
      }
      rows.push({ engine, workload: workload.name, ...figures(taken, workload.times) })
    }
    await Promise.all(Object.values(drivers).map((driver) => driver.end()))
    return rows
  } finally {
    for (const child of children) child.kill()
    await near.close()
    await server.stop()
  }
}

function directTarget({ url, ca }: TlsServer): Target {
  const { port, username, password, pathname } = new URL(url)
  return { host: 'localhost', port: Number(port), user: username, password, database: pathname.slice(1), ca }
}

/** The median time of one query direct, and for each other way the ratio to it with its quartiles. */
function figures(taken: readonly Record<Way, number>[], times: number) {
  const direct = quantile(
    0.5,
    taken.map((round) => round.direct / times),
  )
  const columns: Record<string, string> = { 'direct ms': direct.toFixed(direct < 10 ? 3 : 0) }
  for (const way of WAYS.slice(1)) {
    const ratios = taken.map((round) => round.direct / round[way])
    const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(part, ratios).toFixed(2))
    columns[way] = `${middle} (${low} to ${high})`
  }
  return columns
}

function quantile(part: number, list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * part)] ?? NaN
}
