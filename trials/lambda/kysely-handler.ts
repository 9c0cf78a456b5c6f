import { sql, type Kysely } from 'kysely'
import type { Invocation } from './invocation'

/** A handler that opens the number of connections in the event, and returns their database sessions. */
export function kyselyHandler(db: Kysely<unknown>, sessionFunction: string) {
  async function session(on: Kysely<unknown>): Promise<number> {
    const { rows } = await sql<{ session: number }>`select ${sql.raw(sessionFunction)} as session`.execute(on)
    return rows[0]?.session ?? 0
  }
  return ({ connections }: Invocation): Promise<number[]> =>
    db
      .transaction()
      .execute(async (trx) =>
        connections === 1 ? [await session(trx)] : [await session(trx), await session(db)],
      )
}
