// Compares a driver's throughput through the local endpoint with the same driver's over TLS to the same server.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startMariadbWithTls, startPostgresWithTls, type TlsServer } from './servers'
import { startEndpoint } from './endpoint'
import { DRIVERS, FILL, time, WORKLOADS, type Driver, type Target } from './workloads'

/**
 * The paths to the server: direct, or through an endpoint that connects to the server's TCP port, to its Unix-domain
 * socket, or to that socket from the driver's own process.
 */
const PATHS = ['direct', 'tcp', 'socket', 'same process'] as const
type Path = (typeof PATHS)[number]
const WARM_UP = 4
const PROGRAM = fileURLToPath(new URL('endpoint.ts', import.meta.url))
const SERVERS = { postgres: startPostgresWithTls, mysql: startMariadbWithTls }

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, engine: { type: 'string', multiple: true } },
})
const engines = (['postgres', 'mysql'] as const).filter((engine) => values.engine?.includes(engine) ?? true)

for (const engine of engines) console.table(await measure(engine, Number(values.rounds)))

async function measure(engine: keyof typeof SERVERS, rounds: number) {
  const server = await SERVERS[engine]()
  const overSocket = `${server.url}?socket=${encodeURIComponent(server.socketPath ?? '')}`
  const children = [server.url, overSocket].map((url) => fork(PROGRAM, [engine, url]))
  const started = Promise.all(children.map(async (child) => (await once(child, 'message')) as [Target]))
  const near = await startEndpoint(engine, overSocket)
  try {
    const drivers = { direct: DRIVERS[engine](directTarget(server)) } as Record<Path, Driver>
    for (const sql of FILL[engine]) await drivers.direct.query(sql)
    const [[overTcp], [overSocketTarget]] = (await started) as [[Target], [Target]]
    drivers.tcp = DRIVERS[engine](overTcp)
    drivers.socket = DRIVERS[engine](overSocketTarget)
    drivers['same process'] = DRIVERS[engine](near.target)
    const rows = []
    for (const workload of WORKLOADS) {
      const taken: Record<Path, number>[] = []
      for (let round = -WARM_UP; round < rounds * workload.rounds; round++) {
        const times = {} as Record<Path, number>
        // Start with a different path each round, so that the order does not matter.
        for (let turn = 0; turn < PATHS.length; turn++) {
          const path = PATHS[(turn + round + WARM_UP) % PATHS.length] ?? 'direct'
          times[path] = await time(drivers[path], workload)
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

/** The median time of a direct query, and for each other path the ratio to it with its quartiles. */
function figures(taken: readonly Record<Path, number>[], times: number) {
  const direct = quantile(
    0.5,
    taken.map((round) => round.direct / times),
  )
  const columns: Record<string, string> = { 'direct ms': direct.toFixed(direct < 10 ? 3 : 0) }
  for (const path of PATHS.slice(1)) {
    const ratios = taken.map((round) => round.direct / round[path])
    const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(part, ratios).toFixed(2))
    columns[path] = `${middle} (${low} to ${high})`
  }
  return columns
}

function quantile(part: number, list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * part)] ?? NaN
}
