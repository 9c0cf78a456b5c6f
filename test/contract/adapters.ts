import type { Adapter } from './adapter'
import { mysql2CallbackPool, mysql2Pool, pgPool } from './drivers'
import { knexMysql2, knexPg } from './knex'
import { kyselyMysql, kyselyPg } from './kysely'

/** Loads adapters by name. */
type Load = () => Promise<Record<string, Adapter>>

/** The adapters of our packages, each with the oldest and the newest supported version of its driver or library. */
export const adapters = {
  pg: async () => {
    const [latest, oldest] = await Promise.all([import('pg'), import('pg-8.11')])
    return { pg: pgPool(latest.default), 'pg 8.11': pgPool(oldest.default) }
  },
  mysql2: async () => {
    const [latest, promises, oldest] = await Promise.all([
      import('mysql2'),
      import('mysql2/promise'),
      import('mysql2-3.15'),
    ])
    return {
      mysql2: mysql2CallbackPool(latest.default),
      'mysql2/promise': mysql2Pool(promises.default),
      'mysql2 3.15': mysql2CallbackPool(oldest.default as unknown as typeof latest.default),
    }
  },
  knex: async () => {
    const [latest, oldest] = await Promise.all([import('knex'), import('knex-3.1')])
    // Cast: its types have their own Client class, but it behaves in the same way.
    const knex31 = oldest.default as unknown as typeof latest.default
    return {
      'knex with pg': knexPg(latest.default),
      'knex with mysql2': knexMysql2(latest.default),
      'knex 3.1 with pg': knexPg(knex31),
      'knex 3.1 with mysql2': knexMysql2(knex31),
    }
  },
  kysely: async () => {
    const [latest, oldest] = await Promise.all([import('kysely'), import('kysely-0.28')])
    const kysely028 = oldest as unknown as typeof latest
    return {
      'kysely PostgresDialect': kyselyPg(latest),
      'kysely MysqlDialect': kyselyMysql(latest),
      'kysely 0.28 PostgresDialect': kyselyPg(kysely028),
      'kysely 0.28 MysqlDialect': kyselyMysql(kysely028),
    }
  },
} satisfies Record<string, Load>
