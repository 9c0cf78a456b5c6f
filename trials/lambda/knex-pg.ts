import { pgConnection } from '@rds-iam/knex'
import { knex, type Knex } from 'knex'
import type { Invocation } from './invocation'

const { DB_HOST: host, DB_PORT: port, DB_USER: user, DB_NAME: database } = process.env

// Outside the handler: one pool for as long as Lambda keeps the process.
const db = knex({
  client: 'pg',
  connection: pgConnection({ host, port: Number(port), user, database }),
  pool: { min: 0, max: 2 },
})

/** Opens as many connections as the event says, and returns their database sessions. */
export function handler({ connections }: Invocation): Promise<number[]> {
  return db.transaction(async (trx) =>
    connections === 1 ? [await session(trx)] : [await session(trx), await session(db)],
  )
}

async function session(on: Knex): Promise<number> {
  const { rows } = await on.raw('select pg_backend_pid() as session')
  return rows[0].session
}
