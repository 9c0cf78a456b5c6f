import { postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, PostgresDialect, sql } from 'kysely'
import type { Invocation } from './invocation'

const { DB_HOST: host, DB_PORT: port, DB_USER: user, DB_NAME: database } = process.env

// Outside the handler: one pool for as long as Lambda keeps the process.
const db = new Kysely<unknown>({
  dialect: new PostgresDialect(postgresDialectConfig({ host, port: Number(port), user, database, max: 2 })),
})

/** Opens as many connections as the event says, and returns their database sessions. */
export function handler({ connections }: Invocation): Promise<number[]> {
  return db
    .transaction()
    .execute(async (trx) =>
      connections === 1 ? [await session(trx)] : [await session(trx), await session(db)],
    )
}

async function session(on: Kysely<unknown>): Promise<number> {
  const { rows } = await sql<{ session: number }>`select pg_backend_pid() as session`.execute(on)
  return rows[0]?.session ?? 0
}
