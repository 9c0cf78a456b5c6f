import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Figure } from '../figures'
import type { Scene } from '../scene'
import type { Order } from './query-process'

const SUBJECTS = [
  'pg',
  'knex, pg',
  'kysely, pg',
  'mysql2',
  'knex, mysql2',
  'kysely, mysql2',
  'pg, Aurora DSQL',
]

/** The time of queries in open pools. The baseline is the driver's pool with a static token. */
export async function queries(scene: Scene, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const subject of SUBJECTS) {
    const child = fork(fileURLToPath(new URL('query-process.ts', import.meta.url)), {
      // Node warns about the number of listeners on the AWS wrapper's pool.
      execArgv: [...process.execArgv, '--no-warnings'],
    })
    const answered = once(child, 'message')
    const failed = once(child, 'exit').then(([status]) => {
      throw new Error(`the queries of ${subject} ended with ${status}`)
    })
    failed.catch(() => {}) // the process also exits after its answer
    const server = subject.endsWith('mysql2') ? scene.mysql : scene.postgres
    const endpoint = subject === 'pg, Aurora DSQL' ? scene.dsql : server
    child.send({ subject, endpoint, seconds } satisfies Order)
    const [answer] = (await Promise.race([answered, failed])) as [Figure[]]
    figures.push(...answer)
  }
  return figures
}
