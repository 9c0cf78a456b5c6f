// The throughput of a driver through the local endpoint, against the same driver over TLS to the same server.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Engine } from '@rds-iam/local'
import { startMariadbWithTls, startPostgresWithTls, type TlsServer } from './servers'
import { DRIVERS, FILL, time, WORKLOADS, type Target } from './workloads'

const TARGET = 0.9
const SERVERS = { postgres: startPostgresWithTls, mysql: startMariadbWithTls }

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, engine: { type: 'string', multiple: true } },
})
const engines = (['postgres', 'mysql'] as const).filter((engine) => values.engine?.includes(engine) ?? true)

const table = []
for (const engine of engines) table.push(...(await measure(engine, Number(values.rounds))))
console.table(table)

async function measure(engine: Engine, rounds: number) {
  const server = await SERVERS[engine]()
  const child = fork(fileURLToPath(new URL('endpoint.ts', import.meta.url)), [engine, server.url])
  try {
    const direct = DRIVERS[engine](directTarget(server))
    for (const sql of FILL[engine]) await direct.query(sql)
    const [target] = (await once(child, 'message')) as [Target]
    const through = DRIVERS[engine](target)
    const rows = []
    for (const workload of WORKLOADS) {
      const pairs: [direct: number, through: number][] = []
      // Interleaved, each first in every other round; the first two rounds warm up.
      for (let round = -2; round < rounds; round++) {
        const order = round % 2 === 0 ? [direct, through] : [through, direct]
        const taken = new Map<unknown, number>()
        for (const driver of order) taken.set(driver, await time(driver, workload))
        if (round >= 0) pairs.push([taken.get(direct) ?? 0, taken.get(through) ?? 0])
      }
      rows.push({ engine, workload: workload.name, ...figures(pairs) })
    }
    await Promise.all([direct.end(), through.end()])
    return rows
  } finally {
    child.kill()
    await server.stop()
  }
}

function directTarget({ url, ca }: TlsServer): Target {
  const { port, username, password, pathname } = new URL(url)
  return { host: 'localhost', port: Number(port), user: username, password, database: pathname.slice(1), ca }
}

function figures(pairs: readonly [direct: number, through: number][]) {
  const ratios = pairs.map(([direct, through]) => direct / through).sort((a, b) => a - b)
  const ratio = median(ratios)
  return {
    'direct ms': median(pairs.map(([direct]) => direct)).toFixed(0),
    'through ms': median(pairs.map(([, through]) => through)).toFixed(0),
    ratio: ratio.toFixed(2),
    'ratio from': ratios[0]?.toFixed(2),
    'ratio to': ratios.at(-1)?.toFixed(2),
    [`at least ${TARGET}`]: ratio >= TARGET,
  }
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN
}
