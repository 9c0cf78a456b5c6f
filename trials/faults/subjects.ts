import type mysql from 'mysql2'
import type pg from 'pg'
import type postgres from 'postgres'
import type mariadb from 'mariadb'
import type { Adapter } from '../../test/contract/adapter'
import type { Engine, Point } from './relay'

interface Driver {
  engine: Engine
  /** The point of the login at which the driver waits for a token. */
  waitsAt: Point
  /** The driver's options that limit how long it waits for a server. */
  limits(ms: number): object
}

const drivers = {
  pg: {
    engine: 'postgres',
    waitsAt: 'asked',
    limits: (ms) => ({ connectionTimeoutMillis: ms }),
  },
  'postgres.js': {
    engine: 'postgres',
    waitsAt: 'secured',
    limits: (ms) => ({ connect_timeout: ms / 1_000 }),
  },
  mysql2: {
    engine: 'mysql',
    waitsAt: 'asked',
    limits: (ms) => ({ connectTimeout: ms }),
  },
  mariadb: {
    engine: 'mysql',
    waitsAt: 'greeted',
    limits: (ms) => ({ connectTimeout: ms, acquireTimeout: ms }),
  },
} satisfies Record<string, Driver>

// After a lost connection, `sql.end()` of postgres.js without a time limit never resolves, also with a password.
const END_SECONDS = 1

interface Subject {
  driver: Driver
  load(): Promise<Adapter>
  /** Options that the driver needs to connect at all. */
  options?: object
}

const inDrivers = () => import('../../test/contract/drivers')
const alone = () => import('./alone')

/** What logs in: each driver with and without its pool, and knex and kysely, in the oldest and newest versions. */
export const subjects: Record<string, Subject> = {
  pg: {
    driver: drivers.pg,
    load: async () => (await alone()).pgClient((await import('pg')).default),
  },
  'pg 8.11': {
    driver: drivers.pg,
    load: async () => (await alone()).pgClient((await import('pg-8.11')).default as typeof pg),
  },
  'pg pool': {
    driver: drivers.pg,
    load: async () => (await inDrivers()).pgPool((await import('pg')).default),
  },
  'pg 8.11 pool': {
    driver: drivers.pg,
    load: async () => (await inDrivers()).pgPool((await import('pg-8.11')).default as typeof pg),
  },
  'postgres.js': {
    driver: drivers['postgres.js'],
    load: async () => (await inDrivers()).postgresJs((await import('postgres')).default, END_SECONDS),
  },
  'postgres.js 3.4.4': {
    driver: drivers['postgres.js'],
    load: async () =>
      (await inDrivers()).postgresJs(
        (await import('postgres-3.4.4')).default as unknown as typeof postgres,
        END_SECONDS,
      ),
  },
  mysql2: {
    driver: drivers.mysql2,
    load: async () => (await alone()).mysql2Connection((await import('mysql2')).default),
  },
  'mysql2 3.15': {
    driver: drivers.mysql2,
    load: async () =>
      (await alone()).mysql2Connection((await import('mysql2-3.15')).default as unknown as typeof mysql),
  },
  'mysql2 pool': {
    driver: drivers.mysql2,
    load: async () => (await inDrivers()).mysql2CallbackPool((await import('mysql2')).default),
  },
  'mysql2 3.15 pool': {
    driver: drivers.mysql2,
    load: async () =>
      (await inDrivers()).mysql2CallbackPool(
        (await import('mysql2-3.15')).default as unknown as typeof mysql,
      ),
  },
  mariadb: {
    driver: drivers.mariadb,
    load: async () => (await inDrivers()).mariadbConnections((await import('mariadb')).default),
  },
  'mariadb 3.4': {
    driver: drivers.mariadb,
    load: async () =>
      (await inDrivers()).mariadbConnections(
        (await import('mariadb-3.4')).default as unknown as typeof mariadb,
      ),
  },
  'mariadb pool': {
    driver: drivers.mariadb,
    load: async () => (await inDrivers()).mariadbPool((await import('mariadb')).default),
  },
  'mariadb 3.4 pool': {
    driver: drivers.mariadb,
    load: async () =>
      (await inDrivers()).mariadbPool((await import('mariadb-3.4')).default as unknown as typeof mariadb),
    // With 0 the pool opens no connection.
    options: { minimumIdle: 1 },
  },
  'knex with pg': {
    driver: drivers.pg,
    load: async () => (await import('../../test/contract/knex')).knexPg((await import('knex')).default),
  },
  'knex 3.1 with pg': {
    driver: drivers.pg,
    load: async () => (await import('../../test/contract/knex')).knexPg((await knex31()).default),
  },
  'knex with mysql2': {
    driver: drivers.mysql2,
    load: async () => (await import('../../test/contract/knex')).knexMysql2((await import('knex')).default),
  },
  'knex 3.1 with mysql2': {
    driver: drivers.mysql2,
    load: async () => (await import('../../test/contract/knex')).knexMysql2((await knex31()).default),
  },
  'kysely with pg': {
    driver: drivers.pg,
    load: async () => (await import('../../test/contract/kysely')).kyselyPg(await import('kysely')),
  },
  'kysely 0.28 with pg': {
    driver: drivers.pg,
    load: async () => (await import('../../test/contract/kysely')).kyselyPg(await kysely028()),
  },
  'kysely with mysql2': {
    driver: drivers.mysql2,
    load: async () => (await import('../../test/contract/kysely')).kyselyMysql(await import('kysely')),
  },
  'kysely 0.28 with mysql2': {
    driver: drivers.mysql2,
    load: async () => (await import('../../test/contract/kysely')).kyselyMysql(await kysely028()),
  },
}

const knex31 = () => import('knex-3.1') as unknown as Promise<typeof import('knex')>
const kysely028 = () => import('kysely-0.28') as unknown as Promise<typeof import('kysely')>
